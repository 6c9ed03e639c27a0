from avser_cli.data.group_numbers import group_numbers


def test_names_are_numbered_in_the_order_in_which_they_come():
    assert group_numbers(["b", None, "a", "b", ("a", 1)]).tolist() == [0, 1, 2, 0, 3]
    assert group_numbers([]).shape == (0,)
