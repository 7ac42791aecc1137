"""What queues raise, by the module path of qm-qua."""

from pulsewire.exceptions import JobNotFoundError

__all__ = ["JobNotFoundError"]
