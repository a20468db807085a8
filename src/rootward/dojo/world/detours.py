"""What an Ingress may say wrongly while a world is being made: where a path leads, and which class it is of."""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Detour:
    """The Ingress of the door (a component) sends what is meant for `behind` to Service `other`, `port`, in steps `at:until`."""

    door: int
    behind: int
    at: int
    until: int
    other: str
    port: int


@dataclasses.dataclass(frozen=True, slots=True)
class Unserved:
    """The Ingress of the door (a component) in `namespace` names class `other`, which no controller serves, in steps `at:until`."""

    door: int
    namespace: str
    at: int
    until: int
    other: str
