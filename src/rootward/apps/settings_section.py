"""What every section of the settings is: closed (an unknown key is an error), frozen, each field explained by its docstring."""

from typing import Annotated

import pydantic

Positive = Annotated[float, pydantic.Field(gt=0)]
Count = Annotated[int, pydantic.Field(gt=0)]


class Section(pydantic.BaseModel):
    """A part of `rootward.yaml`."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
