"""What `from avser_cli import …` promises."""

import avser_cli
from avser_cli import errors


def test_every_public_name_can_be_imported():
    assert all(getattr(avser_cli, name) is not None for name in avser_cli.__all__)


def test_every_error_that_a_caller_may_handle_is_public():
    defined = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.AvserError)
    }
    assert defined <= set(avser_cli.__all__)
