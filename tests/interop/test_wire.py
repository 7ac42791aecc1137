"""The wire interface against the descriptors of the installed qm-qua 1.4.1."""

from pathlib import Path

from google.protobuf import descriptor_pb2

MODULES = {
    "io/qualang/api/v1/info_service.proto": "qm.grpc.io.qualang.api.v1.info_service_pb2",
    **{
        f"qm/pb/{name}.proto": f"qm.grpc.qm.pb.{name}_pb2"
        for name in (
            "compiler",
            "errors",
            "frontend",
            "general_messages",
            "inc_qm_api",
            "inc_qua",
            "inc_qua_config",
            "job_manager",
            "job_results",
            "qm_manager",
        )
    },
}
# Made of protos/, with the code: rust/wire/tests/generated.rs.
DESCRIPTORS = Path(__file__).parents[2] / "rust/wire/src/generated/descriptors.bin"
LEGACY = "qm/pb/job_manager_legacy.proto"


def ours():
    files = descriptor_pb2.FileDescriptorSet.FromString(DESCRIPTORS.read_bytes())
    return {file.name: file for file in files.file if not file.name.startswith("google/")}


def theirs(name):
    module = __import__(MODULES[name], fromlist=["DESCRIPTOR"])
    file = descriptor_pb2.FileDescriptorProto()
    module.DESCRIPTOR.CopyToProto(file)
    return file


def messages(file):
    """Every message by its full name: its fields and enums as comparable values."""
    found = {}

    def walk(message, prefix):
        name = f"{prefix}.{message.name}"
        found[name] = {
            "fields": {
                field.name: (
                    field.number,
                    field.type,
                    field.label,
                    field.type_name,
                    field.proto3_optional,
                    message.oneof_decl[field.oneof_index].name
                    if field.HasField("oneof_index")
                    else None,
                )
                for field in message.field
            },
            "map": message.options.map_entry,
        }
        for inner in message.nested_type:
            walk(inner, name)
        for enum in message.enum_type:
            found[f"{name}.{enum.name}"] = {v.name: v.number for v in enum.value}

    for message in file.message_type:
        walk(message, file.package)
    for enum in file.enum_type:
        found[f"{file.package}.{enum.name}"] = {v.name: v.number for v in enum.value}
    return found


def services(file):
    return {
        f"{file.package}.{service.name}/{method.name}": (
            method.input_type,
            method.output_type,
            method.client_streaming,
            method.server_streaming,
        )
        for service in file.service
        for method in service.method
    }


def test_every_definition_is_the_vendors():
    defined = ours()
    assert defined.keys() == MODULES.keys() | {LEGACY}
    compared = 0
    for name in MODULES:
        mine, vendors = defined[name], theirs(name)
        assert (mine.package, mine.syntax) == (vendors.package, vendors.syntax)
        known = messages(vendors)
        for message, definition in messages(mine).items():
            assert definition == known[message], message
            compared += 1
        offered = services(vendors)
        for method, types in services(mine).items():
            assert types == offered[method], method
            compared += 1
    assert compared > 300


def test_the_older_path_is_the_vendors():
    from qm.api.stubs import deprecated_job_manager_stub as stub

    class Channel:
        def __init__(self):
            self.paths = set()

        def unary_unary(self, path, *_, **__):
            self.paths.add(path)

    channel = Channel()
    for name in dir(stub):
        kind = getattr(stub, name)
        if isinstance(kind, type) and name.endswith("Stub"):
            kind(channel)
    assert channel.paths == {f"/{method}" for method in services(ours()[LEGACY])}
