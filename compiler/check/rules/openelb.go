package rules

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// openELBRules are the guards of what OpenELB cannot do. That it is dormant, has no BFD and asks for one interface at
// layer 2 others say.
var openELBRules = []*check.Rule{
	OpenELBUnannounced,
	OpenELBSomeRacks,
	OpenELBPassword,
	OpenELBIPv6,
	OpenELBCommunities,
	OpenELBOneAddress,
	OpenELBLayer2Apart,
	OpenELBASN,
}

// OpenELBUnannounced finds pools that OpenELB would announce although somebody else routes them.
var OpenELBUnannounced = &check.Rule{
	ID: "MG4271", Name: "openelb-unannounced", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `OpenELB serves a pool that nobody is to announce

An Eip has a protocol, and by default it is BGP: there is none that gives an address and keeps quiet.
Source: openelb/openelb v0.6.0 api/v1alpha2/eip_types.go GetProtocol.`,
	Run: onBalancer("openelb", func(p *check.Pass) {
		for n, pool := range byKey(p.Site.Pools) {
			if pool.Announce == nil {
				p.Reportf(site.Join("pools", n), "pool %q is not announced, and OpenELB announces every address that it gives", n).
					Related("loadBalancer.kind", "the load balancer").Hintf("pools: %s: announce: protocol: \"bgp\"", n)
			}
		}
	}),
}

// OpenELBSomeRacks finds addresses that racks would announce whose switches refuse them.
var OpenELBSomeRacks = &check.Rule{
	ID: "MG4272", Name: "openelb-some-racks", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `some racks announce a pool, and with externalTrafficPolicy Cluster OpenELB announces it from all

With Cluster each speaker announces an address, whether or not a pod behind it is ready anywhere, and a peer takes all
addresses or none. The switches of the other racks refuse it, so that nothing breaks but what the site says.
Source: openelb/openelb v0.6.0 pkg/speaker/manager.go getServiceNodes.`,
	Run: onBalancer("openelb", func(p *check.Pass) {
		for f := range fronts(p.Site) {
			pool := p.Site.Pools[f.pool]
			if pool != nil && pool.Announce != nil && pool.Announce.Protocol == "bgp" && len(pool.Announce.Racks) > 0 && f.policy == "Cluster" {
				p.Reportf(site.Join("pools", f.pool, "announce", "racks"), "pool %q is announced by racks %s, and %s has externalTrafficPolicy Cluster: OpenELB announces it from all", f.pool, strings.Join(pool.Announce.Racks, ", "), f.who).
					Related(f.path+".externalTrafficPolicy", "the policy").Hintf("externalTrafficPolicy: \"Local\"")
			}
		}
	}),
}

// OpenELBPassword finds session passwords, which OpenELB takes in the open.
var OpenELBPassword = &check.Rule{
	ID: "MG4273", Name: "openelb-password", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the BGP sessions have a password, and OpenELB takes none from a Secret

Its BgpPeer has the password as text: it would stand in this tree, in Git, and in an object that whoever may read
BgpPeers sees.
Source: openelb/openelb v0.6.0 api/v1alpha2/bgppeer_types.go PeerConf.authPassword.`,
	Run: onBalancer("openelb", func(p *check.Pass) {
		if b := p.Site.Fabric.BGP; b != nil && b.PasswordSecret != "" && announcesBGP(p.Site) {
			p.Reportf("fabric.bgp.passwordSecret", "OpenELB reads no password from Secret %q: it takes the text alone, in its object", b.PasswordSecret).
				Related("loadBalancer.kind", "the load balancer").Hintf("leave it out, and let the switches take sessions from the nodes' addresses alone; or loadBalancer: kind: \"metallb\"")
		}
	}),
}

// OpenELBIPv6 finds addresses that OpenELB would announce wrongly.
var OpenELBIPv6 = &check.Rule{
	ID: "MG4274", Name: "openelb-ipv6", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `OpenELB is to announce an IPv6 pool

By BGP it announces each address as a prefix of length 32, whatever the family: that is four thousand million /64 of
other people. At layer 2 it answers ARP alone.
Source: openelb/openelb v0.6.0 pkg/speaker/bgp/bgp/path.go setBalancer, pkg/speaker/layer2/announcer.go newAnnouncer.`,
	Run: onBalancer("openelb", func(p *check.Pass) {
		for n, pool := range byKey(p.Site.Pools) {
			for i, a := range pool.Addresses {
				if strings.Contains(a, ":") {
					p.Reportf(site.Join("pools", n, "addresses", site.Index(i)), "pool %q has %s, and OpenELB announces IPv4 alone", n, a).
						Related("loadBalancer.kind", "the load balancer").Hintf("loadBalancer: kind: \"metallb\" announces both families")
				}
			}
		}
	}),
}

// OpenELBCommunities finds communities that OpenELB does not send.
var OpenELBCommunities = &check.Rule{
	ID: "MG4276", Name: "openelb-communities", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a pool has communities, and OpenELB sends none

Its routes have an origin and a next hop. A policy of GoBGP could add more to all routes of a node, not to those of one
pool, and meshgen writes none.
Source: openelb/openelb v0.6.0 pkg/speaker/bgp/bgp/path.go toAPIPath, policy.go.`,
	Run: onBalancer("openelb", func(p *check.Pass) { communitiesUnsent(p, "OpenELB") }),
}

// OpenELBOneAddress finds Services that ask for more addresses than OpenELB gives.
var OpenELBOneAddress = &check.Rule{
	ID: "MG4277", Name: "openelb-one-address", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a Service behind OpenELB has several addresses

It gives a Service one, and reads what the Service asks for as one address: a list is none at all, and the Service stays
pending.
Source: openelb/openelb v0.6.0 pkg/controllers/ipam/ipam.go ConstructRequest, pkg/controllers/lb/controller.go Reconcile.`,
	Run: onBalancer("openelb", func(p *check.Pass) {
		for f := range fronts(p.Site) {
			if len(f.addresses) > 1 {
				p.Reportf(f.path+".addresses", "%s has %d addresses, and OpenELB gives a Service one", f.who, len(f.addresses)).
					Related("loadBalancer.kind", "the load balancer").Hintf("one address; a gateway of its own for another")
			}
		}
	}),
}

// OpenELBLayer2Apart finds pools at layer 2 for which a node elsewhere may be elected.
var OpenELBLayer2Apart = &check.Rule{
	ID: "MG4278", Name: "openelb-layer2-apart", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `OpenELB answers for a pool at layer 2, and has speakers in other networks

All speakers stand for election for every address, also those whose network does not hold it. Such a speaker takes no
part in the pool: when it is elected nobody answers.
Source: openelb/openelb v0.6.0 pkg/speaker/layer2/memberlist.go SetBalancer; pkg/speaker/utils.go ValidateInterface.`,
	Run: onBalancer("openelb", func(p *check.Pass) {
		for n, pool := range byKey(p.Site.Pools) {
			if !announces(p.Site, n, "l2") {
				continue
			}
			in := racksOf(p.Site, pool)
			for rn := range byKey(p.Site.Racks) {
				if slices.Contains(in, rn) || !openELBSpeaks(p.Site, rn) {
					continue
				}
				p.Reportf(site.Join("pools", n, "announce"), "pool %q is answered for by ARP, and speakers of rack %q, whose network does not hold it, may be elected", n, rn).
					Related(site.Join("racks", rn), "the rack").Hintf("fabric: bgp: speakers: classes with nodes of one network alone, or protocol: \"bgp\"")
				break
			}
		}
	}),
}

// openELBSpeaks reports whether speakers run in a rack: it has sessions, or answers for some pool.
func openELBSpeaks(s *site.Site, rack string) bool {
	if s.Fabric.BGP != nil && announcesBGP(s) && rackAnnounces(s, rack) {
		return true
	}
	for n, pool := range byKey(s.Pools) {
		if announces(s, n, "l2") && slices.Contains(racksOf(s, pool), rack) {
			return true
		}
	}
	return false
}

// openELBMaxASN is the largest number that its kinds take: their fields have the format int32.
const openELBMaxASN = 1<<31 - 1

// OpenELBASN finds AS numbers that OpenELB's objects do not take.
var OpenELBASN = &check.Rule{
	ID: "MG4279", Name: "openelb-asn", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `an AS number of a session is above 2147483647, and OpenELB's objects end there

GoBGP knows all 32 bits, and the fields of BgpConf and BgpPeer are declared as int32 without a maximum of their own: the
API server refuses the object. The private numbers of 32 bits are all above it.
Source: openelb/openelb v0.6.0 config/crd/bases: asPerRack, peerAs; RFC 6996.`,
	Run: onBalancer("openelb", func(p *check.Pass) {
		b := p.Site.Fabric.BGP
		if b == nil || !announcesBGP(p.Site) {
			return
		}
		see := func(path string, asn int64) {
			if asn > openELBMaxASN {
				p.Reportf(path, "AS %d is above %d, and OpenELB's objects take no larger one", asn, openELBMaxASN).
					Related("loadBalancer.kind", "the load balancer").Hintf("a private number of 16 bits: 64512 to 65534")
			}
		}
		see("fabric.bgp.nodeASN", int64(b.NodeASN))
		for rn, r := range byKey(p.Site.Racks) {
			if r.BGP != nil {
				see(site.Join("racks", rn, "bgp", "nodeASN"), int64(r.BGP.NodeASN))
			}
			if !rackAnnounces(p.Site, rn) {
				continue
			}
			for tn, t := range byKey(r.ToRs) {
				see(site.Join("racks", rn, "tors", tn, "asn"), int64(t.ASN))
			}
		}
	}),
}
