"""Where a request comes from: one client, and one customer of a provider."""

from shared.web.senders import SITE_TIMES, bounded_of, network_of, sender_at


def test_a_host_is_one_network_by_all_its_addresses_of_version_6() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:1")
    assert network_of("2001:db8::1") != network_of("2001:db8:0:1::1")
    assert network_of("::ffff:10.0.0.1") == network_of("10.0.0.1") == "10.0.0.1"
    assert network_of("a proxy's name") == "a proxy's name"


def test_the_networks_of_one_site_are_one_site() -> None:
    one, two, other = (sender_at(f"2001:db8:{part}::1", "li") for part in ("1:1", "1:2", "2:1"))
    assert one.site == two.site != other.site
    assert one.network != two.network
    assert {one.who, two.who} == {"li"}


def test_an_address_of_version_4_is_a_site_of_its_own() -> None:
    assert sender_at("10.0.0.1", "") == sender_at("::ffff:10.0.0.1", "")
    assert sender_at("10.0.0.1", "").site != sender_at("10.0.0.2", "").site
    assert sender_at("10.0.0.1", "").network == ""


def test_a_bound_counts_for_the_network_and_ten_times_for_the_site() -> None:
    network, site = bounded_of("2001:db8:1:2::1")
    assert (network.name, network.times) == (network_of("2001:db8:1:2::9"), 1)
    assert (site.name, site.times) == (sender_at("2001:db8:1:3::1", "").site, SITE_TIMES)
    assert bounded_of("10.0.0.1") == (("10.0.0.1", 1),)
    # A site's name is never that of a network.
    assert bounded_of("2001:db8::1")[0].name != bounded_of("2001:db8::1")[1].name
