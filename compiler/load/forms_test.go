package load

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"meshgen.dev/meshgen/compiler/site"
)

// typeOf returns the scalar that stands at a place of the language.
func typeOf(t *testing.T, path string) *Scalar {
	t.Helper()
	s := Language().Lookup(site.Split(path)...)
	if s != nil && s.Scalar == nil {
		s = s.Elem
	}
	if s == nil || s.Scalar == nil {
		t.Fatalf("the language has no scalar at %s", path)
	}
	return s.Scalar
}

// The form of an address is what Go's parser takes, without zones and IPv4 inside IPv6, which no program of ours reads.
func TestAddressForm(t *testing.T) {
	address, cidr := typeOf(t, "kubernetes.apiServer.address"), typeOf(t, "kubernetes.podCIDRs")
	r := rand.New(rand.NewPCG(1, 2))
	chars := "0123456789abcdefF:.:/"
	check := func(text string) {
		a, err := netip.ParseAddr(text)
		want := err == nil && a.Zone() == "" && !(a.Is6() && strings.Contains(text, "."))
		if got := address.fault(text) == nil; got != want {
			t.Errorf("%q as an address: the language says %v, Go says %v", text, got, want)
		}
		p, err := netip.ParsePrefix(text)
		want = err == nil && !(p.Addr().Is6() && strings.Contains(text, "."))
		if got := cidr.fault(text) == nil; got != want {
			t.Errorf("%q as a network: the language says %v, Go says %v", text, got, want)
		}
	}
	for range 4000 {
		var b [16]byte
		for i := 0; i < 16; i += 2 {
			binary.BigEndian.PutUint16(b[i:], uint16(r.Uint32())>>(r.Uint32()%20)) // zeros often
		}
		v6 := netip.AddrFrom16(b)
		v4 := netip.AddrFrom4([4]byte(b[:4]))
		for _, text := range []string{v4.String(), v6.String(), v6.StringExpanded(), v4.String() + "/" + strconv.Itoa(r.IntN(40)), v6.String() + "/" + strconv.Itoa(r.IntN(140))} {
			check(text)
			i := r.IntN(len(text))
			check(text[:i] + string(chars[r.IntN(len(chars))]) + text[i:])
			check(text[:i] + text[i+1:])
		}
	}
}

// What the language takes for a quantity has a value; the helpers of site return 0 for nothing else.
func TestQuantityForms(t *testing.T) {
	for path, parse := range map[string]func(string) int64{
		"fabric.bgp.holdTime":            func(s string) int64 { return int64(site.ParseDuration(s)) },
		"nodeClasses.x.memory":           site.ParseQuantity,
		"nodeClasses.x.nic.speed":        site.ParseBitRate,
		"mesh.proxy.resources.cpu.limit": site.ParseMilli,
		"resilience.minimumCapacity":     func(s string) int64 { return int64(site.ParsePercent(s)) },
		"mesh.ca.workloadTTL":            func(s string) int64 { return int64(site.ParseDuration(s)) },
		"waivers.0.until":                day,
	} {
		form := typeOf(t, path)
		taken := 0
		for _, number := range []string{"1", "999999", "999999999", "999999999999", "1.5", "0.001", "1.2345", "-1", "", "100", "2027-12-31", "2027-02-29", "2028-02-29", "2027-11-31", "2027-13-01"} {
			for _, unit := range []string{"", "ms", "s", "m", "h", "Ki", "Mi", "Gi", "Ti", "k", "M", "G", "T", "%", "bps", "kbps", "Mbps", "Gbps", "Tbps", "x"} {
				text := number + unit
				if form.fault(text) != nil {
					continue
				}
				taken++
				if parse(text) <= 0 {
					t.Errorf("%s: the language takes %q, its value is %d", path, text, parse(text))
				}
			}
		}
		if taken == 0 {
			t.Errorf("%s takes nothing", path)
		}
	}
}

// day returns the day's number; a leap day in another year counts as taken, for no regular expression knows leap years.
func day(s string) int64 {
	d, err := time.Parse(time.DateOnly, s)
	if err != nil && !strings.HasSuffix(s, "-02-29") {
		return 0
	}
	return max(1, d.Unix())
}

func TestFormsRefuse(t *testing.T) {
	for path, texts := range map[string][]string{
		"name":                            {"A", "-a", "a-", "a.b", "", strings.Repeat("a", 64), "../x", "a/b", "a\n"},
		"racks.x.tors.x.uplinks.0.spine":  {"s 1"},
		"nodeClasses.x.nic.interface":     {"a234567890123456", "eth0/1", "eth 0", "", ".."},
		"pools.x.announce.communities":    {"65536:1", "1:65536", "1", "4294967296:1:1", "1:2:3:4"},
		"kubernetes.version":              {"1", "v1.35.2", "1.35.2\n", "latest"},
		"time.maxOffset":                  {"100", "100 ms", "1d", "-1s"},
		"nodeClasses.x.taints":            {"a=b", "a=b:Never", ":NoSchedule"},
		"namespaces.x.services.x.calls":   {"a", "a/b/c", "a:b", "x:y:a/b", "A/b"},
		"waivers.0.until":                 {"31.12.2027", "2027-2-1", "2027-04-31"},
		"owner":                           {"", " ", "a\nb"},
		"external.x.hosts":                {"*", "a.*", "A.example"},
		"delivery.path":                   {"../out", "/out", "a/../b", "a//b"},
		"registry.images":                 {"https://x", "x y"},
		"namespaces.x.services.x.timeout": {"5", "5 s"},
	} {
		form := typeOf(t, path)
		for _, text := range texts {
			if form.fault(text) == nil {
				t.Errorf("%s takes %q", path, text)
			}
		}
	}
}
