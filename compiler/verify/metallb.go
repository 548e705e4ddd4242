package verify

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go4.org/netipx"
)

// checkIPAddressPool reads a pool as MetalLB does (internal/config in MetalLB): a prefix, or a range in order.
func checkIPAddressPool(p *pass, o *object) {
	names := strs(o.value, "spec", "serviceAllocation", "namespaces")
	for i, n := range names {
		if slices.Contains(names[:i], n) {
			o.report(p, ruleMetalLB, fieldPath{"spec", "serviceAllocation", "namespaces"}.at(i), "%q a second time", n)
		}
	}
	var seen []netipx.IPRange
	for i, s := range strs(o.value, "spec", "addresses") {
		at := fieldPath{"spec", "addresses"}.at(i)
		r, ok := addressRange(s)
		if !ok {
			o.report(p, ruleMetalLB, at, "%q is neither a prefix without host bits nor a range in order", s)
			continue
		}
		for _, other := range seen {
			if r.Overlaps(other) {
				o.report(p, ruleMetalLB, at, "%s overlaps %s", s, other)
			}
		}
		seen = append(seen, r)
	}
}

// addressRange reads "192.0.2.0/24" or "192.0.2.1-192.0.2.9".
func addressRange(s string) (netipx.IPRange, bool) {
	if isCanonicalPrefix(s) {
		return netipx.RangeOfPrefix(netip.MustParsePrefix(s)), true
	}
	from, to, ok := strings.Cut(s, "-")
	a, errA := netip.ParseAddr(strings.TrimSpace(from))
	b, errB := netip.ParseAddr(strings.TrimSpace(to))
	r := netipx.IPRangeFrom(a, b)
	return r, ok && errA == nil && errB == nil && r.IsValid()
}

// checkBGPPeer follows MetalLB's own parsing of peers; what its schema leaves open is whether the fields fit together.
func checkBGPPeer(p *pass, o *object) {
	at, spec := fieldPath{"spec"}, get(o.value, "spec")
	address, iface := str(spec, "peerAddress"), str(spec, "interface")
	switch _, err := netip.ParseAddr(address); {
	case address == "" && iface == "":
		o.report(p, ruleMetalLB, at, "neither peerAddress nor interface")
	case address != "" && iface != "":
		o.report(p, ruleMetalLB, at, "peerAddress and interface exclude each other")
	case address != "" && err != nil:
		o.report(p, ruleMetalLB, at.to("peerAddress"), "%q is no address", address)
	}
	asn, _ := integer(spec, "peerASN")
	if dynamic := str(spec, "dynamicASN"); (asn != 0) == (dynamic != "") {
		o.report(p, ruleMetalLB, at, "not exactly one of peerASN and dynamicASN")
	}
	own, _ := integer(spec, "myASN")
	if own == 0 {
		o.report(p, ruleMetalLB, at.to("myASN"), "0 is no AS number")
	}
	if own == asn && get(spec, "ebgpMultiHop") == true {
		o.report(p, ruleMetalLB, at.to("ebgpMultiHop"), "the peer is of the same AS")
	}
	if str(spec, "password") != "" {
		o.report(p, ruleMetalLB, at.to("password"), "a secret value; passwordSecret names one")
	}
	if id := str(spec, "routerID"); id != "" {
		if a, err := netip.ParseAddr(id); err != nil || !a.Is4() {
			o.report(p, ruleMetalLB, at.to("routerID"), "%q is no IPv4 address", id)
		}
	}
	p.checkTimers(o, at, spec)
}

// Bounds of BGP's timers in whole seconds (RFC 4271, 4.2): the hold time is 0 or at least 3.
func (p *pass) checkTimers(o *object, at fieldPath, spec any) {
	timer := func(field string, least time.Duration) time.Duration {
		s, given := get(spec, field).(string)
		if !given {
			return 0
		}
		d, err := time.ParseDuration(s)
		if err != nil || d%time.Second != 0 || d < least || d > 65535*time.Second {
			o.report(p, ruleMetalLB, at.to(field), "%q is no duration in whole seconds of at least %s", s, least)
			return 0
		}
		return d
	}
	hold := timer("holdTime", 3*time.Second)
	keepalive := timer("keepaliveTime", time.Second)
	timer("connectTime", time.Second)
	if hold != 0 && keepalive > hold {
		o.report(p, ruleMetalLB, at.to("keepaliveTime"), "%s is longer than the hold time %s", keepalive, hold)
	}
}

func checkBGPAdvertisement(p *pass, o *object) {
	at, spec := fieldPath{"spec"}, get(o.value, "spec")
	for _, field := range []string{"ipAddressPools", "communities", "peers"} {
		p.onceEach(o, field)
	}
	for i, c := range strs(spec, "communities") {
		if !isMetalLBCommunity(c) && !p.hasCommunity(c) {
			o.report(p, ruleMetalLB, at.to("communities").at(i), "%q is neither a community nor the name of one", c)
		}
	}
}

var standardCommunity = regexp.MustCompile(`^([0-9]{1,5}):([0-9]{1,5})$`)
var largeCommunity = regexp.MustCompile(`^large:([0-9]{1,10}):([0-9]{1,10}):([0-9]{1,10})$`)

func isMetalLBCommunity(s string) bool {
	bits := 16
	m := standardCommunity.FindStringSubmatch(s)
	if m == nil {
		m, bits = largeCommunity.FindStringSubmatch(s), 32
	}
	for _, part := range m {
		if part == s {
			continue
		}
		if _, err := strconv.ParseUint(part, 10, bits); err != nil {
			return false
		}
	}
	return m != nil
}

// hasCommunity reports whether a Community object of the tree gives the name.
func (p *pass) hasCommunity(name string) bool {
	for _, o := range p.objects {
		if !o.is("metallb.io", "Community") {
			continue
		}
		for _, c := range list(o.value, "spec", "communities") {
			if str(c, "name") == name {
				return true
			}
		}
	}
	return false
}
