"""The front: what publishes a project's ports, so that a release takes over without a gap."""

from pipeline.kit.front.choice import why_not, why_rather_not
from pipeline.kit.front.front import Front, FrontState, fronts, remove_fronts, remove_networks
from pipeline.kit.front.headers import WithHeaders
from pipeline.kit.front.plan import FrontPlan, behind, plan_of
from pipeline.kit.front.route import Route, through_front

__all__ = [
    "Front", "FrontPlan", "FrontState", "Route", "WithHeaders", "behind", "fronts", "plan_of",
    "remove_fronts", "remove_networks", "through_front", "why_not", "why_rather_not",
]  # fmt: skip
