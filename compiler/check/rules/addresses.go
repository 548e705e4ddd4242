package rules

import (
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

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
}

// AddressForm refuses what is no address, prefix or range.
var AddressForm = &check.Rule{
	ID: "MG1001", Name: "address-form", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `an address, prefix or range cannot be read, or a prefix has host bits set

Load balancers widen 198.51.100.10/24 to the whole /24 without a word, switches refuse it, and the kernel rounds it:
three ends, three meanings.`,
	Run: func(p *check.Pass) {
		for _, a := range addressFields(p.Site) {
			switch a.form {
			case formAddress:
				if _, err := netip.ParseAddr(a.text); err != nil {
					p.Reportf(a.path, "%q is not an IP address", a.text)
				}
			case formPrefix:
				checkPrefix(p, a)
			case formPool:
				checkPool(p, a)
			case formInterface:
				if _, err := netip.ParsePrefix(a.text); err != nil {
					p.Reportf(a.path, "%q is not an address with its prefix length, such as 10.0.0.1/31", a.text)
				}
			}
		}
	},
}

func checkPrefix(p *check.Pass, a addressField) {
	got, err := netip.ParsePrefix(a.text)
	switch {
	case err != nil:
		p.Reportf(a.path, "%q is not a prefix such as 10.0.0.0/24 or 2001:db8::/64", a.text)
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
		p.Reportf(a.path, "%q is not a range of two addresses, first-last", a.text)
	case x.BitLen() != y.BitLen():
		p.Reportf(a.path, "range %s begins in one address family and ends in the other", a.text)
	case y.Less(x):
		p.Reportf(a.path, "range %s ends before it begins", a.text).Hintf("write %s-%s", last, first)
	}
}

type form int

const (
	formAddress form = iota
	formPrefix
	formPool      // a prefix or a range
	formInterface // an address with its prefix length
)

// addressField is one address of a site.
type addressField struct {
	path, text string
	form       form
	owner      string // of a single address that only one may have: "node fra1-r1-cp"; empty for others
}

// addressFields lists every address, prefix and range that the compiler reads.
func addressFields(s *site.Site) []addressField {
	var out []addressField
	add := func(f form, owner, text string, path ...string) {
		out = append(out, addressField{path: site.Join(path...), text: text, form: f, owner: owner})
	}
	each := func(f form, owner string, texts []string, path ...string) {
		for i, t := range texts {
			add(f, owner, t, append(path[:len(path):len(path)], site.Index(i))...)
		}
	}
	// A scalar-or-list is mostly written as a scalar where there is one.
	many := func(f form, owner string, texts []string, path ...string) {
		if len(texts) == 1 {
			add(f, owner, texts[0], path...)
			return
		}
		each(f, owner, texts, path...)
	}
	one := func(owner string, texts []string, path ...string) { many(formAddress, owner, texts, path...) }
	k := s.Kubernetes
	add(formAddress, "the API server", k.APIServer.Address, "kubernetes", "apiServer", "address")
	each(formPrefix, "", k.PodCIDRs, "kubernetes", "podCIDRs")
	each(formPrefix, "", k.ServiceCIDRs, "kubernetes", "serviceCIDRs")
	for n, sp := range byKey(s.Fabric.Spines) {
		add(formAddress, "", sp.RouterID, "fabric", "spines", n, "routerID")
	}
	for rn, r := range byKey(s.Racks) {
		each(formPrefix, "", r.Subnets, "racks", rn, "subnets")
		one("", r.DefaultGateway, "racks", rn, "defaultGateway")
		for tn, t := range byKey(r.ToRs) {
			one("switch "+t.Hostname, t.Address, "racks", rn, "tors", tn, "address")
			if t.RouterID != "" {
				add(formAddress, "", t.RouterID, "racks", rn, "tors", tn, "routerID")
			}
			for i, u := range t.Uplinks {
				many(formInterface, "", u.Address, "racks", rn, "tors", tn, "uplinks", site.Index(i), "address")
				one("", u.PeerAddress, "racks", rn, "tors", tn, "uplinks", site.Index(i), "peerAddress")
			}
		}
		for nn, n := range byKey(r.Nodes) {
			one("node "+nn, n.Address, "racks", rn, "nodes", nn, "address")
		}
	}
	for n, t := range byKey(s.Time.Sources) {
		add(formAddress, "time source "+n, t.Address, "time", "sources", n, "address")
	}
	for n, pool := range byKey(s.Pools) {
		each(formPool, "", pool.Addresses, "pools", n, "addresses")
	}
	for n, g := range byKey(s.Gateways) {
		each(formAddress, "gateway "+n, g.Addresses, "gateways", n, "addresses")
		each(formPrefix, "", g.SourceRanges, "gateways", n, "sourceRanges")
	}
	for n, e := range byKey(s.External) {
		each(formAddress, "", e.Addresses, "external", n, "addresses")
	}
	return out
}

// AddressUsedTwice finds two owners of one address.
var AddressUsedTwice = &check.Rule{
	ID: "MG1002", Name: "address-used-twice", Severity: diag.Error, On: check.OnSite,
	Doc: `two machines, switches, gateways or services have one address

Whoever answers ARP last, or is nearer in the fabric, gets the traffic of both.`,
	Run: func(p *check.Pass) {
		first := map[netip.Addr]addressField{}
		for _, a := range addressFields(p.Site) {
			ip, err := netip.ParseAddr(a.text)
			if a.owner == "" || err != nil {
				continue
			}
			if other, ok := first[ip]; ok {
				p.Reportf(a.path, "address %s of %s is already that of %s", ip, a.owner, other.owner).
					Related(other.path, "first used here")
				continue
			}
			first[ip] = a
		}
	},
}

// NodeOutsideSubnet finds a node that its rack's switches do not reach.
var NodeOutsideSubnet = &check.Rule{
	ID: "MG1009", Name: "node-outside-subnet", Severity: diag.Error, On: check.OnSite,
	Doc: `a node or switch address lies in none of its rack's subnets

The session between them needs a common subnet: single-hop eBGP does not cross a router.`,
	Run: func(p *check.Pass) {
		for rn, r := range byKey(p.Site.Racks) {
			var nets []netip.Prefix
			for _, s := range r.Subnets {
				if n, err := netip.ParsePrefix(s); err == nil {
					nets = append(nets, n)
				}
			}
			if len(nets) == 0 {
				continue
			}
			within := func(owner, path string, addresses []string) {
				for _, a := range addresses {
					ip, err := netip.ParseAddr(a)
					if err == nil && !slices.ContainsFunc(nets, func(n netip.Prefix) bool { return n.Contains(ip) }) {
						p.Reportf(path, "address %s of %s lies in no subnet of rack %q (%s)", a, owner, rn, strings.Join(r.Subnets, ", ")).
							Related(site.Join("racks", rn, "subnets"), "the rack's subnets")
					}
				}
			}
			for nn, n := range byKey(r.Nodes) {
				within("node "+nn, site.Join("racks", rn, "nodes", nn, "address"), n.Address)
			}
			for tn, t := range byKey(r.ToRs) {
				within("switch "+t.Hostname, site.Join("racks", rn, "tors", tn, "address"), t.Address)
			}
		}
	},
}

// DefaultGateway finds a default gateway that nodes cannot use, or that is a machine's own address.
var DefaultGateway = &check.Rule{
	ID: "MG1012", Name: "default-gateway", Severity: diag.Error, On: check.OnSite,
	Doc: `a rack's default gateway lies in none of its subnets, or is the address of a node or of one switch

Nodes reach a gateway in their own subnet only. An address that switches share must not be one of their own: BGP sessions
are with each switch's own address, and one with the shared address would move between two of them.`,
	Run: func(p *check.Pass) {
		for rn, r := range byKey(p.Site.Racks) {
			for i, text := range r.DefaultGateway {
				path := site.Join("racks", rn, "defaultGateway", site.Index(i))
				gw, err := netip.ParseAddr(text)
				if err != nil {
					continue
				}
				inside := len(r.Subnets) == 0
				for _, s := range r.Subnets {
					n, err := netip.ParsePrefix(s)
					inside = inside || err == nil && n.Contains(gw)
				}
				if !inside {
					p.Reportf(path, "default gateway %s lies in no subnet of rack %q (%s)", text, rn, strings.Join(r.Subnets, ", ")).
						Related(site.Join("racks", rn, "subnets"), "the rack's subnets")
				}
				taken := func(who, at string, addresses []string) {
					for _, a := range addresses {
						if ip, err := netip.ParseAddr(a); err == nil && ip == gw {
							p.Reportf(path, "default gateway %s of rack %q is the address of %s", text, rn, who).Related(at, "its address")
						}
					}
				}
				for nn, n := range byKey(r.Nodes) {
					taken("node "+nn, site.Join("racks", rn, "nodes", nn, "address"), n.Address)
				}
				for tn, t := range byKey(r.ToRs) {
					if len(r.ToRs) > 1 { // a single switch is its rack's gateway by itself
						taken("switch "+t.Hostname, site.Join("racks", rn, "tors", tn, "address"), t.Address)
					}
				}
			}
		}
	},
}

// VIPOutsidePool finds a virtual address that nobody may give out.
var VIPOutsidePool = &check.Rule{
	ID: "MG6002", Name: "vip-outside-pool", Severity: diag.Error, On: check.OnSite,
	Doc: `a gateway's address is not in its pool

The load balancer refuses the address, and the Service stays pending.`,
	Run: func(p *check.Pass) {
		for gn, g := range byKey(p.Site.Gateways) {
			pool := p.Site.Pools[g.Pool]
			if pool == nil {
				continue
			}
			for i, a := range g.Addresses {
				ip, err := netip.ParseAddr(a)
				if err != nil || poolHas(pool, ip) {
					continue
				}
				p.Reportf(site.Join("gateways", gn, "addresses", site.Index(i)), "address %s of gateway %q is not in pool %q (%s)",
					a, gn, g.Pool, strings.Join(pool.Addresses, ", ")).
					Related(site.Join("pools", g.Pool, "addresses"), "the pool's addresses")
			}
		}
	},
}

func poolHas(pool *site.Pool, ip netip.Addr) bool {
	for _, s := range pool.Addresses {
		if strings.Contains(s, "-") {
			if r, err := netipx.ParseIPRange(s); err == nil && r.Contains(ip) {
				return true
			}
		} else if n, err := netip.ParsePrefix(s); err == nil && n.Contains(ip) {
			return true
		}
	}
	return false
}
