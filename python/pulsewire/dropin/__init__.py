"""The drop-in: an unchanged script on qm-qua, its jobs served by pulsewire's core.

:func:`install` replaces a few *methods* of qm-qua in place (``seams.py`` lists them): objects,
classes, exceptions and loggers stay qm-qua's. See docs/drop-in.md.
"""

from pulsewire.dropin.calls import NotServedError
from pulsewire.dropin.installation import attach, install, installed, uninstall
from pulsewire.dropin.report import Report, report

__all__ = ["NotServedError", "Report", "attach", "install", "installed", "report", "uninstall"]
