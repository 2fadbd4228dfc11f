from hypothesis import given
from hypothesis import strategies as st

from cases.numbers import case_id_of, find_numbers, number_of, spoken

ids = st.integers(min_value=1, max_value=5_000_000)


@given(ids)
def test_a_number_leads_back_to_its_case(case_id: int) -> None:
    """Every number names one case, with or without the spaces in which it is spoken."""
    assert case_id_of(number_of(case_id)) == case_id
    assert case_id_of(spoken(number_of(case_id))) == case_id


@given(ids, st.data())
def test_one_wrong_digit_is_noticed(case_id: int, data: st.DataObject) -> None:
    """A number with one digit changed is no number."""
    number = number_of(case_id)
    at = data.draw(st.integers(0, len(number) - 1))
    digit = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != number[at]]))
    assert case_id_of(number[:at] + digit + number[at + 1 :]) is None


@given(ids, st.data())
def test_two_swapped_digits_are_noticed(case_id: int, data: st.DataObject) -> None:
    """A number with two neighbours swapped is no number, unless they are equal."""
    number = number_of(case_id)
    at = data.draw(st.integers(0, len(number) - 2))
    swapped = number[:at] + number[at + 1] + number[at] + number[at + 2 :]
    assert swapped == number or case_id_of(swapped) is None


def test_numbers_are_found_in_speech() -> None:
    """A number stands in a sentence as people write it; phone numbers and prices are none."""
    number = number_of(1)
    assert find_numbers(f"查一下{number[:3]} {number[3:]}到哪了") == [number]
    assert case_id_of("13800000000") is None
    assert case_id_of("abc") is None
    assert find_numbers("欠了我300块") == []
