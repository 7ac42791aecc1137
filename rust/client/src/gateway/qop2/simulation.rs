//! Simulations of QOP 2: what is asked for.

use pulsewire_wire::frontend as f;
use pulsewire_wire::frontend::execution_request::simulate::SimulationInterface;
use pulsewire_wire::frontend::execution_request::simulate::simulation_interface as si;

use crate::types::{ControllerConnection, Interface};

/// What analog inputs see.
pub(super) fn interface(given: Interface) -> SimulationInterface {
    let interface = match given {
        Interface::None => si::InterfaceOneof::None(si::None {}),
        Interface::Loopback { connections, latency, noise_power } => {
            let connections = connections.into_iter().map(|connection| si::loopback::Connections {
                from_controller: connection.from.0,
                from_fem: connection.from.1,
                from_port: connection.from.2,
                to_controller: connection.to.0,
                to_fem: connection.to.1,
                to_port: connection.to.2,
            });
            let connections = connections.collect();
            si::InterfaceOneof::Loopback(si::Loopback { connections, latency, noise_power })
        }
        Interface::Raw { connections, noise_power } => {
            let connections = connections.into_iter().map(|connection| {
                let (from_controller, from_fem, from_port) = connection.input;
                let to_samples = connection.samples;
                si::raw_interface::Connections { from_controller, from_fem, from_port, to_samples }
            });
            let connections = connections.collect();
            si::InterfaceOneof::Raw(si::RawInterface { connections, noise_power })
        }
    };
    SimulationInterface { interface_oneof: Some(interface) }
}

/// A connection between controllers.
pub(super) fn connection(given: ControllerConnection) -> f::InterOpxConnection {
    use f::inter_opx_connection::{AddressToAddress, ChannelToChannel, ConnectionType};
    let kind = match given {
        ControllerConnection::Addresses(source, target) => {
            let address = |(controller, left)| Some(f::InterOpxAddress { controller, left });
            let (source, target) = (address(source), address(target));
            ConnectionType::AddressToAddress(AddressToAddress { source, target })
        }
        ControllerConnection::Channels(source, target) => {
            let channel = |(controller, channel_number)| {
                Some(f::InterOpxChannel { controller, channel_number })
            };
            let (source, target) = (channel(source), channel(target));
            ConnectionType::ChannelToChannel(ChannelToChannel { source, target })
        }
    };
    f::InterOpxConnection { connection_type: Some(kind), ..Default::default() }
}
