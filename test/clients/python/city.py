"""What structured output is read into: the scenario's schema as a class, with bounds that keep a small model from rambling."""

from pydantic import BaseModel, Field


class City(BaseModel):
    """A city"""

    city: str = Field(max_length=40)
    inhabitants: int = Field(ge=0, le=100_000_000)
