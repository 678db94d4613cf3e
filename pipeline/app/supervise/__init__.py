"""``dockcycle supervise``: the live releases of an engine, kept as they are recorded.

What is wrong and what mends it is ``pipeline.kit.supervision``; here is who listens, when a project
is looked at, and who is told.
"""

from pipeline.app.supervise.place import Place
from pipeline.app.supervise.supervisor import Supervisor, Watch

__all__ = ["Place", "Supervisor", "Watch"]
