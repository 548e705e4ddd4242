package ir

import (
	"net/netip"
	"slices"
	"testing"
)

// A group holds what its members share: sessions that differ in anything else are in another one.
func TestPeerGroupsBySettings(t *testing.T) {
	up := func(spine string, asn uint32, hold int, bfd *BFD) Uplink {
		return Uplink{Spine: spine, SpineASN: asn, Interface: "swp1", Families: []Family{IPv4}, HoldSecs: hold, KeepaliveSecs: 3, BFD: bfd}
	}
	v6 := up("s4", 65001, 9, nil)
	v6.Families = []Family{IPv6}
	v6.Address, v6.SpineAddress = netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	type group struct {
		name      string
		asn       uint32 // 0 when the neighbors differ
		neighbors int
	}
	for _, c := range []struct {
		name    string
		uplinks []Uplink
		want    []group
	}{
		{"equal", []Uplink{up("s1", 65001, 9, nil), up("s2", 65001, 9, nil)}, []group{{"S1_SPINES", 65001, 2}}},
		{"ASNs differ", []Uplink{up("s1", 65001, 9, nil), up("s2", 65002, 9, nil), up("s3", 65001, 9, nil)}, []group{{"S1_SPINES", 0, 3}}},
		{"timers differ", []Uplink{up("s1", 65001, 9, nil), up("s2", 65001, 30, nil)}, []group{{"S1_SPINES", 65001, 1}, {"S1_SPINES_2", 65001, 1}}},
		{"one with BFD", []Uplink{up("s1", 65001, 9, nil), up("s2", 65001, 9, &BFD{IntervalMS: 300, Multiplier: 3})}, []group{{"S1_SPINES", 65001, 1}, {"S1_SPINES_2", 65001, 1}}},
		{"equal BFD", []Uplink{up("s1", 65001, 9, &BFD{IntervalMS: 300, Multiplier: 3}), up("s2", 65001, 9, &BFD{IntervalMS: 300, Multiplier: 3})}, []group{{"S1_SPINES", 65001, 2}}},
		{"numbered IPv6", []Uplink{up("s1", 65001, 9, nil), v6}, []group{{"S1_SPINES", 65001, 1}, {"S1_SPINES_V6", 65001, 1}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			sw := Switch{Role: "tor", Objects: "S1", Uplinks: c.uplinks, Subnets: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/24")}}
			got := sw.PeerGroups()
			same := slices.EqualFunc(got, c.want, func(g PeerGroup, w group) bool {
				return g.Name == w.name && g.ASN == w.asn && len(g.Neighbors) == w.neighbors
			})
			if !same {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// An empty prefix list would permit everything, so a map must do without it.
func TestFiltersWithoutEntries(t *testing.T) {
	sw := Switch{Role: "tor", Objects: "S1", Uplinks: []Uplink{{Spine: "s1", SpineASN: 65001, Interface: "swp1", Families: []Family{IPv4}}}, Subnets: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/24")}}
	lists, maps := sw.Filters(sw.PeerGroups())
	if len(lists) != 0 {
		t.Errorf("lists without entries: %+v", lists)
	}
	for _, m := range maps {
		if len(m.Terms) != 1 || !m.Terms[0].Permit || m.Terms[0].List != "" {
			t.Errorf("%s: %+v", m.Name, m.Terms)
		}
	}
	if len(maps) != 2 {
		t.Errorf("%d maps for one side", len(maps))
	}
}
