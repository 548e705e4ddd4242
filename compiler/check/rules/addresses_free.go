package rules

import (
	"net/netip"
	"strings"

	"go4.org/netipx"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/site"
)

// addressRange reads a prefix or a range "first-last". What another rule refuses, host bits included, is not ok.
func addressRange(text string) (netipx.IPRange, bool) {
	if strings.Contains(text, "-") {
		r, err := netipx.ParseIPRange(text)
		return r, err == nil && r.IsValid()
	}
	n, err := netip.ParsePrefix(text)
	if err != nil || n != n.Masked() {
		return netipx.IPRange{}, false
	}
	return netipx.RangeOfPrefix(n), true
}

// rangeSize counts the addresses of a range; what is beyond 2^62 counts as that.
func rangeSize(r netipx.IPRange) int {
	const most = 1 << 62
	a, b := r.From().As16(), r.To().As16()
	borrow, size := 0, 0
	var diff [16]byte
	for i := 15; i >= 0; i-- {
		d := int(b[i]) - int(a[i]) - borrow
		borrow = 0
		if d < 0 {
			d, borrow = d+256, 1
		}
		diff[i] = byte(d)
	}
	for _, d := range diff {
		if size >= most>>8 {
			return most
		}
		size = size<<8 | int(d)
	}
	return size + 1
}

// atEdge reports whether an address is the first or the last of a prefix and so none that a host in it can have: the
// network itself, or everyone in it. The last address of an IPv6 prefix is one like others, and links of two have
// neither (RFC 3021, RFC 6164).
func atEdge(n netip.Prefix, ip netip.Addr) bool {
	if n.Bits() >= ip.BitLen()-1 || !n.Contains(ip) {
		return false
	}
	return ip == n.Masked().Addr() || ip.Is4() && ip == netipx.PrefixLastIP(n)
}

// freeAddresses knows which addresses of a site are taken.
type freeAddresses struct{ taken map[netip.Addr]bool }

func newFreeAddresses(s *site.Site) *freeAddresses {
	f := &freeAddresses{taken: map[netip.Addr]bool{}}
	for _, a := range addressFields(s) {
		if ip, ok := a.single(); ok {
			f.taken[ip] = true
		}
	}
	return f
}

// next is the first free address of the family of like in the prefixes and ranges.
func (f *freeAddresses) next(within []string, like netip.Addr) (netip.Addr, bool) {
	for _, text := range within {
		r, ok := addressRange(text)
		if !ok || r.From().Is4() != like.Is4() {
			continue
		}
		n, err := netip.ParsePrefix(text)
		for ip := r.From(); ip.IsValid() && r.Contains(ip); ip = ip.Next() {
			if !f.taken[ip] && (err != nil || !atEdge(n, ip)) {
				return ip, true
			}
		}
	}
	return netip.Addr{}, false
}

// hint names the next free address in place of one.
func (f *freeAddresses) hint(r *check.Report, within []string, ip netip.Addr) {
	if len(within) == 0 {
		r.Hintf("an address that nothing else has")
	} else if free, ok := f.next(within, ip); ok {
		r.Hintf("the next free address is %s", free)
	} else {
		r.Hintf("no address of this family is free in %s", strings.Join(within, ", "))
	}
}
