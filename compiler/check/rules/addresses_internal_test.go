package rules

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"go4.org/netipx"
)

func TestRangeSize(t *testing.T) {
	for text, want := range map[string]int{
		"10.0.0.0/24": 256, "10.0.0.7/32": 1, "0.0.0.0/0": 1 << 32, "10.0.0.5-10.0.1.4": 256,
		"2001:db8::/120": 256, "2001:db8::/64": 1 << 62, "2001:db8::ff-2001:db8::100": 2, "::/0": 1 << 62,
	} {
		r, ok := addressRange(text)
		if got := rangeSize(r); !ok || got != want {
			t.Errorf("%s has %d addresses, want %d", text, got, want)
		}
	}
	for _, text := range []string{"", "-", "10.0.0.1/24", "10.0.0.2-10.0.0.1", "10.0.0.1-2001:db8::1", "10.0.0.1"} {
		if _, ok := addressRange(text); ok {
			t.Errorf("%q is taken for a range", text)
		}
	}
}

func TestAtEdge(t *testing.T) {
	for _, tt := range []struct {
		net, ip string
		want    bool
	}{
		{"10.0.0.0/24", "10.0.0.0", true}, {"10.0.0.0/24", "10.0.0.255", true}, {"10.0.0.0/24", "10.0.0.1", false},
		{"10.0.0.0/23", "10.0.0.255", false}, {"10.0.0.0/31", "10.0.0.0", false}, {"10.0.0.0/32", "10.0.0.0", false},
		{"10.0.0.0/30", "10.0.0.3", true}, {"10.0.0.0/24", "10.0.1.0", false},
		{"2001:db8::/64", "2001:db8::", true}, {"2001:db8::/64", "2001:db8::ffff:ffff:ffff:ffff", false}, {"2001:db8::/127", "2001:db8::", false},
	} {
		if got := atEdge(netip.MustParsePrefix(tt.net), netip.MustParseAddr(tt.ip)); got != tt.want {
			t.Errorf("%s in %s: %v", tt.ip, tt.net, got)
		}
	}
}

// TestClashes compares the sweep with every pair: a span is named exactly if it overlaps one that came before it.
func TestClashes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var spans []span
		for i := range 12 {
			from := rng.IntN(120)
			to := from + rng.IntN(20)
			r := netipx.IPRangeFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(from)}), netip.AddrFrom4([4]byte{10, 0, 0, byte(to)}))
			spans = append(spans, span{IPRange: r, kind: spanKind(rng.IntN(3)), path: fmt.Sprintf("p%02d", i)})
		}
		bad := func(a, b *span) bool { return a.kind != b.kind }
		want, got := map[string]bool{}, map[string]bool{}
		for i := range spans {
			for j := range spans {
				if i != j && spans[i].Overlaps(spans[j].IPRange) && bad(&spans[i], &spans[j]) {
					want[spans[i].path] = true
				}
			}
		}
		for _, c := range clashes(spans, bad) {
			if !c[0].Overlaps(c[1].IPRange) || !bad(c[0], c[1]) || c[0].kind < c[1].kind {
				t.Fatalf("%s and %s do not clash in this order", c[0].path, c[1].path)
			}
			got[c[0].path], got[c[1].path] = true, true
		}
		for p := range want {
			if !got[p] {
				t.Fatalf("%s is in no clash", p)
			}
		}
		for p := range got {
			if !want[p] {
				t.Fatalf("%s clashes with nothing", p)
			}
		}
	}
}

func TestNextFree(t *testing.T) {
	f := &freeAddresses{taken: map[netip.Addr]bool{netip.MustParseAddr("10.0.0.1"): true}}
	like4, like6 := netip.IPv4Unspecified(), netip.IPv6Unspecified()
	for _, tt := range []struct {
		within string
		like   netip.Addr
		want   string
	}{
		{"10.0.0.0/30", like4, "10.0.0.2"}, {"10.0.0.0-10.0.0.1", like4, "10.0.0.0"}, {"10.0.0.1-10.0.0.1", like4, ""},
		{"10.0.0.0/30", like6, ""}, {"2001:db8::/126", like6, "2001:db8::1"}, {"255.255.255.255-255.255.255.255", like4, "255.255.255.255"},
	} {
		got, ok := f.next([]string{tt.within}, tt.like)
		if ok != (tt.want != "") || ok && got.String() != tt.want {
			t.Errorf("next in %s is %s", tt.within, got)
		}
	}
}
