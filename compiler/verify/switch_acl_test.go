package verify

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

// TestSwitchListsOfBothFamilies: what a Linux switch and one with SONiC are given for one site says the same, and a change of
// any rule is seen.
func TestSwitchListsOfBothFamilies(t *testing.T) {
	read := func(name string) []byte {
		data, err := os.ReadFile("../backend/frr/testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	filter, db := read("filtered.nft"), read("filtered.sonic.json")
	lists, fs := parseSwitchFilter("s1", filter)
	others := sonicLists("s1", db, &fs)
	for _, f := range fs {
		t.Error(f)
	}
	if len(lists) != 2 || len(others) != 2 {
		t.Fatalf("%d and %d lists, want one a family", len(lists), len(others))
	}
	plain := func(l *accessList) []accessEntry {
		var out []accessEntry
		for _, e := range l.entries {
			e.line = 0
			out = append(out, e)
		}
		return out
	}
	for i := range lists {
		if a, b := plain(lists[i]), plain(others[i]); len(a) != 4 || !reflect.DeepEqual(a, b) {
			t.Errorf("nftables has %v, CONFIG_DB %v", a, b)
		}
	}
	for _, c := range [][2]string{
		{"ip6 daddr 2001:db8:ffff::10/128 tcp", "ip daddr 2001:db8:ffff::10/128 tcp"},
		{"icmpv6 type packet-too-big", "icmp type destination-unreachable"},
		{"ip6 saddr 2001:db8:1::/48", "ip6 saddr 2001:db8:1::1/48"},
		{"udp dport 53", "udp dport 70000"},
	} {
		if _, fs := parseSwitchFilter("s1", []byte(strings.Replace(string(filter), c[0], c[1], 1))); len(fs) == 0 {
			t.Errorf("%q for %q is not seen", c[1], c[0])
		}
	}
	for _, c := range [][2]string{
		{`"IP_PROTOCOL": "58"`, `"IP_PROTOCOL": "1"`},
		{`"L3V6"`, `"L3"`},
		{`"PRIORITY": "9998"`, `"PRIORITY": "9999"`},
		{`"L4_DST_PORT": "443"`, `"L4_DST_PORT": ""`},
	} {
		var fs faults
		if sonicLists("s1", []byte(strings.Replace(string(db), c[0], c[1], 1)), &fs); len(fs) == 0 {
			t.Errorf("%q for %q is not seen", c[1], c[0])
		}
	}
}
