package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"net/netip"
	"strconv"

	"meshgen.dev/meshgen/compiler/site"
)

type form int

const (
	formAddress form = iota
	formPrefix
	formPool      // a prefix or a range
	formInterface // an address with its prefix length
)

// role is whose an address is.
type role int

const (
	roleNone role = iota // of a prefix or a range
	roleNode
	roleSwitch
	roleTorLink
	roleSpineLink
	roleDefaultGateway
	roleRouterID
	roleAPI
	roleTime
	roleVIP
	roleBalancer
	roleMachine // outside the cluster, with a service of the site
	rolePeer    // the gateway of another site
	roleExternal
)

// shared reports whether the owner of such an address may be another party as well, or another rule looks at it.
func (r role) shared() bool {
	return r == roleNone || r == roleDefaultGateway || r == roleRouterID || r == roleExternal
}

// addressField is one address of a site.
type addressField struct {
	path, text string
	form       form
	role       role
	who        string   // its owner in a message: "node fra1-r1-cp"
	within     []string // prefixes and ranges that another address may be taken from
	filter     bool     // of senders, which may be anyone
}

// single is the address where it is one, with or without a prefix length.
func (a addressField) single() (netip.Addr, bool) {
	switch a.form {
	case formAddress:
		ip, err := netip.ParseAddr(a.text)
		return ip, err == nil
	case formInterface:
		n, err := netip.ParsePrefix(a.text)
		return n.Addr(), err == nil
	}
	return netip.Addr{}, false
}

// addresses is addressFields of the site, listed once for all rules.
func addresses(p *check.Pass) []addressField {
	return check.Memo(p, "addresses", func() []addressField { return addressFields(p.Site) })
}

// addressFields lists every address, prefix and range of a site.
func addressFields(s *site.Site) []addressField {
	var out []addressField
	var within []string
	add := func(f form, r role, who, text string, path ...string) {
		out = append(out, addressField{path: site.Join(path...), text: text, form: f, role: r, who: who, within: within})
	}
	each := func(f form, r role, who string, texts []string, path ...string) {
		for i, t := range texts {
			add(f, r, who, t, append(path[:len(path):len(path)], site.Index(i))...)
		}
	}
	// A scalar-or-list is mostly written as a scalar where there is one.
	many := func(f form, r role, who string, texts []string, path ...string) {
		if len(texts) == 1 {
			add(f, r, who, texts[0], path...)
			return
		}
		each(f, r, who, texts, path...)
	}
	k := s.Kubernetes
	add(formAddress, roleAPI, "the API server", k.APIServer.Address, "kubernetes", "apiServer", "address")
	each(formPrefix, roleNone, "", k.PodCIDRs, "kubernetes", "podCIDRs")
	each(formPrefix, roleNone, "", k.ServiceCIDRs, "kubernetes", "serviceCIDRs")
	for n, sp := range byKey(s.Fabric.Spines) {
		add(formAddress, roleRouterID, "switch "+sp.Hostname, sp.RouterID, "fabric", "spines", n, "routerID")
	}
	for rn, r := range byKey(s.Racks) {
		each(formPrefix, roleNone, "", r.Subnets, "racks", rn, "subnets")
		within = r.Subnets
		many(formAddress, roleDefaultGateway, "the default gateway of rack "+strconv.Quote(rn), r.DefaultGateway, "racks", rn, "defaultGateway")
		for tn, t := range byKey(r.ToRs) {
			many(formAddress, roleSwitch, "switch "+t.Hostname, t.Address, "racks", rn, "tors", tn, "address")
			if t.RouterID != "" {
				add(formAddress, roleRouterID, "switch "+t.Hostname, t.RouterID, "racks", rn, "tors", tn, "routerID")
			}
			within = nil
			for i, u := range t.Uplinks {
				path := []string{"racks", rn, "tors", tn, "uplinks", site.Index(i)}
				many(formInterface, roleTorLink, "switch "+t.Hostname+" on "+u.Interface, u.Address, append(path, "address")...)
				many(formAddress, roleSpineLink, "spine "+strconv.Quote(u.Spine), u.PeerAddress, append(path, "peerAddress")...)
			}
			within = r.Subnets
		}
		for nn, n := range byKey(r.Nodes) {
			many(formAddress, roleNode, "node "+nn, n.Address, "racks", rn, "nodes", nn, "address")
		}
		within = nil
	}
	for cn, c := range byKey(s.NodeClasses) {
		for n, w := range byKey(c.Networks) {
			add(formPrefix, roleNone, "", w.CIDR, "nodeClasses", cn, "networks", n, "cidr")
		}
	}
	for n, t := range byKey(s.Time.Sources) {
		add(formAddress, roleTime, "time source "+n, t.Address, "time", "sources", n, "address")
	}
	for n, pool := range byKey(s.Pools) {
		each(formPool, roleNone, "", pool.Addresses, "pools", n, "addresses")
	}
	for n, g := range byKey(s.Gateways) {
		within = poolAddresses(s, g.Pool)
		each(formAddress, roleVIP, "gateway "+n, g.Addresses, "gateways", n, "addresses")
		within = nil
		each(formPrefix, roleNone, "", g.SourceRanges, "gateways", n, "sourceRanges")
		for i := range g.SourceRanges {
			out[len(out)-1-i].filter = true
		}
	}
	for n, e := range byKey(s.Exposures) {
		within = poolAddresses(s, e.Pool)
		each(formAddress, roleVIP, "exposure "+n, e.Addresses, "exposures", n, "addresses")
		within = nil
	}
	if x := s.LoadBalancer.External; x != nil {
		for n, b := range byKey(x.Balancers) {
			add(formAddress, roleBalancer, "balancer "+n, b.Address, "loadBalancer", "external", "balancers", n, "address")
		}
	}
	for svc := range services(s) {
		each(formAddress, roleMachine, "machine "+svc.namespace+"/"+svc.name, svc.Addresses, append(site.Split(svc.path), "addresses")...)
	}
	for n, e := range byKey(s.External) {
		each(formAddress, roleExternal, "the destination "+strconv.Quote(n), e.Addresses, "external", n, "addresses")
	}
	if s.Federation != nil {
		for n, peer := range byKey(s.Federation.Peers) {
			each(formAddress, rolePeer, "the gateway of site "+strconv.Quote(n), peer.GatewayAddresses, "federation", "peers", n, "gatewayAddresses")
		}
	}
	return out
}

func poolAddresses(s *site.Site, name string) []string {
	if pool := s.Pools[name]; pool != nil {
		return pool.Addresses
	}
	return nil
}
