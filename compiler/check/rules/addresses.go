package rules

import (
	"net/netip"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// addressRules are the rules about addresses.
var addressRules = []*check.Rule{
	AddressForm,
	AddressUsedTwice,
	NodeOutsideSubnet,
	DefaultGateway,
	NetworkOverlap,
	RackSubnetsOverlap,
	PoolOverlap,
	PoolOverlapsNetwork,
	PoolOverlapsAddress,
	AddressInClusterNetwork,
	SpecialAddress,
	SubnetEdgeAddress,
	NoCommonSubnet,
	PoolHeadroom,
	L2PoolOutsideSubnet,
	L2PoolSegments,
	VIPAtEdge,
	LinkEnds,
	LinkInterfaceTwice,
	OnePerFamily,
	ServiceFamily,
	NodeFamily,
	APIFamily,
	DefaultGatewayFamily,
	VIPFamily,
	VIPsOfOneFamily,
	PoolFamily,
	GatewayFamily,
	PoolIPv6Unsupported,
	NodeCIDRMask,
	PodNetworkTooSmall,
	ServiceNetworkSize,
	APIOnOneNode,
	PodMTU,
	NetworkMTU,
	InterfaceMTU,
	RackMTU,
	NodeInterfaceElsewhere,
	NetworkInterfaceTaken,
	NetworkTooSmall,
	PoolUnused,
}

// AddressForm refuses what is no address, prefix or range.
var AddressForm = &check.Rule{
	ID: "MG1001", Name: "address-form", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `an address, prefix or range cannot be read, or a prefix has host bits set

Load balancers widen 198.51.100.10/24 to the whole /24 without a word, switches refuse it, and the kernel rounds it:
three ends, three meanings.`,
	Run: func(p *check.Pass) {
		for _, a := range addresses(p) {
			switch a.form {
			case formAddress:
				if _, err := netip.ParseAddr(a.text); err != nil {
					p.Reportf(a.path, "%q is not an IP address", a.text).Hintf("an address such as 10.0.0.1 or 2001:db8::1")
				}
			case formPrefix:
				checkPrefix(p, a)
			case formPool:
				checkPool(p, a)
			case formInterface:
				if _, err := netip.ParsePrefix(a.text); err != nil {
					p.Reportf(a.path, "%q is not an address with its prefix length, such as 10.0.0.1/31", a.text).Hintf("the form is ADDRESS/LENGTH: 10.0.0.1/31")
				}
			}
		}
	},
}

func checkPrefix(p *check.Pass, a addressField) {
	got, err := netip.ParsePrefix(a.text)
	switch {
	case err != nil:
		p.Reportf(a.path, "%q is not a prefix such as 10.0.0.0/24 or 2001:db8::/64", a.text).Hintf("the form is NETWORK/LENGTH: 10.0.0.0/24")
	case got != got.Masked():
		p.Reportf(a.path, "prefix %s has host bits set", a.text).Hintf("the network is %s", got.Masked())
	}
}

func checkPool(p *check.Pass, a addressField) {
	if !strings.Contains(a.text, "-") {
		checkPrefix(p, a)
		return
	}
	first, last, _ := strings.Cut(a.text, "-")
	x, err1 := netip.ParseAddr(first)
	y, err2 := netip.ParseAddr(last)
	switch {
	case err1 != nil || err2 != nil:
		p.Reportf(a.path, "%q is not a range of two addresses, first-last", a.text).Hintf("the form is FIRST-LAST: 192.0.2.10-192.0.2.20; or a network: 192.0.2.0/27")
	case x.BitLen() != y.BitLen():
		p.Reportf(a.path, "range %s begins in one address family and ends in the other", a.text).Hintf("two entries, a range of each family")
	case y.Less(x):
		p.Reportf(a.path, "range %s ends before it begins", a.text).Hintf("write %s-%s", last, first).Fix(a.path, strconv.Quote(last+"-"+first), "swap the ends")
	}
}

// AddressUsedTwice finds two owners of one address.
var AddressUsedTwice = &check.Rule{
	ID: "MG1002", Name: "address-used-twice", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `two machines, switches, gateways or services have one address

Whoever answers ARP last, or is nearer in the fabric, gets the traffic of both.`,
	Run: func(p *check.Pass) {
		first := map[netip.Addr]addressField{}
		var free *freeAddresses
		for _, a := range addresses(p) {
			ip, ok := a.single()
			if a.role.shared() || !ok {
				continue
			}
			other, ok := first[ip]
			if !ok {
				first[ip] = a
				continue
			}
			if mayShare(p.Site, other, a) {
				continue
			}
			if free == nil {
				free = newFreeAddresses(p.Site)
			}
			message := "address %s of %s is already that of %s"
			if other.who == a.who {
				message = "address %s of %s is already one of %s"
			}
			r := p.Reportf(a.path, message, ip, a.who, other.who).Related(other.path, "first used here")
			free.hint(r, a.within, ip)
		}
	},
}

// mayShare reports whether two of the site's parties may have one address: one machine in two roles.
func mayShare(s *site.Site, a, b addressField) bool {
	pair := func(x, y role) bool { return a.role == x && b.role == y || a.role == y && b.role == x }
	switch {
	case pair(roleTime, roleSwitch), pair(roleTime, roleMachine), pair(roleMachine, roleMachine): // switches and servers serve time, too
		return true
	case pair(roleBalancer, roleAPI), pair(roleBalancer, roleVIP), pair(roleBalancer, roleMachine): // a machine in front of the cluster
		return true
	case pair(roleAPI, roleNode): // kube-vip adds the address to a machine that has its own
		return s.Kubernetes.APIServer.Provider != "kube-vip"
	case pair(roleTorLink, roleSpineLink): // both ends of one link: link-ends says so
		return linkOf(a) == linkOf(b)
	case pair(roleSpineLink, roleSpineLink): // a segment with several switches in it
		return a.who == b.who
	}
	return false
}

// linkOf is the path of the link that an address belongs to.
func linkOf(a addressField) string {
	link, _, _ := strings.Cut(a.path, ".address")
	link, _, _ = strings.Cut(link, ".peerAddress")
	return link
}
