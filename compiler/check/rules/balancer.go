package rules

import (
	"iter"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// balancerRules are the rules about the load balancer.
var balancerRules = []*check.Rule{
	LoadBalancerRelease,
	BalancerVersionUnread,
	BalancerNeedsCNI,
	CiliumL2KubeProxy,
	CiliumL2Local,
	L2OneNode,
	L2IdleReplicas,
	L2OneEntry,
	L2Interface,
	AnnounceOptionUnread,
	AnnounceByExternal,
	KubeVIPTwoProtocols,
	KubeVIPPassword,
	OpenELBDormant,
	OpenELBInterface,
	APIAddressOutOfReach,
	ExternalWithoutBalancers,
	ExternalSingleBalancer,
	ExternalNodePorts,
	ExternalUDP, ExternalNothing,
	ExternalPortTaken,
	ExternalFamilies,
	ExternalNodeFamily,
	L2AnnouncerExcluded,
}

// front is what clients reach at virtual addresses: a gateway or an exposure.
type front struct {
	path, who string // "gateways.public", `gateway "public"`
	pool      string
	addresses []string
	policy    string // externalTrafficPolicy
	gateway   *site.Gateway
	exposure  *site.Exposure
}

// fronts yields gateways and exposures, each by name.
func fronts(s *site.Site) iter.Seq[front] {
	return func(yield func(front) bool) {
		for n, g := range byKey(s.Gateways) {
			if !yield(front{site.Join("gateways", n), "gateway " + quote(n), g.Pool, g.Addresses, g.ExternalTrafficPolicy, g, nil}) {
				return
			}
		}
		for n, e := range byKey(s.Exposures) {
			if !yield(front{site.Join("exposures", n), "exposure " + quote(n), e.Pool, e.Addresses, e.ExternalTrafficPolicy, nil, e}) {
				return
			}
		}
	}
}

func quote(s string) string { return `"` + s + `"` }

// announces reports whether a pool exists and is announced by a protocol.
func announces(s *site.Site, pool, protocol string) bool {
	p := s.Pools[pool]
	return p != nil && p.Announce != nil && p.Announce.Protocol == protocol
}

// onBalancer returns the run of a rule for sites with a load balancer.
func onBalancer(kind string, run func(*check.Pass)) func(*check.Pass) {
	return func(p *check.Pass) {
		if p.Site.LoadBalancer.Kind == kind {
			run(p)
		}
	}
}

// communitiesUnsent reports the communities of pools that a speaker has no way to send. name is what people call it.
func communitiesUnsent(p *check.Pass, name string) {
	for n, pool := range byKey(p.Site.Pools) {
		if a := pool.Announce; a != nil && a.Protocol == "bgp" && len(a.Communities) > 0 {
			p.Reportf(site.Join("pools", n, "announce", "communities"), "pool %q has communities %s, and %s sends none", n, strings.Join(a.Communities, ", "), name).
				Related("loadBalancer.kind", "the load balancer").Hintf("leave them out, and let the switches set them")
		}
	}
}

// LoadBalancerRelease finds a load balancer release that no profile row describes.
var LoadBalancerRelease = &check.Rule{
	ID: "MG4001", Name: "unknown-load-balancer-release", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `no profile row describes the load balancer's release

Its objects and chart values change between releases: what another takes may be refused, or worse, ignored.`,
	Run: func(p *check.Pass) {
		lb := p.Site.LoadBalancer
		prof := p.Profiles.LoadBalancer(lb.Kind)
		switch {
		case prof == nil || prof.CNI != "" || prof.Machines != nil: // there is none, or the pod network has the release
		case lb.Version == "":
			p.Reportf("loadBalancer", "loadBalancer.version is missing: %s is installed by its chart, whose version is not a default", lb.Kind).
				Hintf("loadBalancer: version: one of %s", offeredBalancers(p))
		case prof.Release(lb.Version) == nil:
			p.Reportf("loadBalancer.version", "no profile row describes %s %s", lb.Kind, lb.Version).Hintf("known: %s", offeredBalancers(p))
		}
	},
}

// BalancerVersionUnread finds a release where there is none to choose.
var BalancerVersionUnread = &check.Rule{
	ID: "MG4101", Name: "balancer-version-unread", Severity: diag.Warning, On: check.OnSite,
	Doc: `a load balancer that comes with something else is given a release of its own

Whoever raises that number believes to have upgraded, and nothing changes: Cilium's load balancer is the release of the
pod network, and machines in front of the cluster have none that could be installed from here.
Source: Cilium documentation, LoadBalancer IP Address Management: part of the agent and the operator.`,
	Run: func(p *check.Pass) {
		lb, cni := p.Site.LoadBalancer, p.Site.Kubernetes.CNI
		prof := p.Profiles.LoadBalancer(lb.Kind)
		switch {
		case lb.Version == "":
		case lb.Kind == "external":
			p.Reportf("loadBalancer.version", "release %s of load balancer \"external\" is that of nothing in the cluster", lb.Version).
				Hintf("remove loadBalancer.version")
		case prof != nil && prof.CNI == cni.Kind && lb.Version != cni.Version:
			p.Reportf("loadBalancer.version", "load balancer %q is given release %s, and runs as the pod network's %s", lb.Kind, lb.Version, cni.Version).
				Hintf("remove loadBalancer.version").Related("kubernetes.cni.version", "the release that runs")
		}
	},
}

// BalancerNeedsCNI finds a pod network's load balancer without that pod network.
var BalancerNeedsCNI = &check.Rule{
	ID: "MG4102", Name: "balancer-needs-cni", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the load balancer is a part of a pod network that the site does not have

Nobody gives out addresses: every Service of type LoadBalancer stays pending.
Source: Cilium documentation, LoadBalancer IP Address Management and BGP Control Plane: part of the agent and the
operator.`,
	Run: func(p *check.Pass) {
		lb, cni := p.Site.LoadBalancer.Kind, p.Site.Kubernetes.CNI.Kind
		if prof := p.Profiles.LoadBalancer(lb); prof != nil && prof.CNI != "" && prof.CNI != cni {
			p.Reportf("loadBalancer.kind", "load balancer %q is a part of the pod network %q, and kubernetes.cni.kind is %q", lb, prof.CNI, cni).
				Hintf("kind: \"metallb\", which runs on every pod network").Related("kubernetes.cni.kind", "the pod network")
		}
	},
}

// KubeVIPTwoProtocols finds pools that one kube-vip cannot announce together.
var KubeVIPTwoProtocols = &check.Rule{
	ID: "MG4110", Name: "kube-vip-two-protocols", Severity: diag.Error, On: check.OnSite,
	Doc: `kube-vip is to announce one pool by BGP and another by ARP

A kube-vip pod runs in one mode: with both switched on it ends at once, and announces nothing.
Source: kube-vip 1.2.3 cmd/kube-vip.go: multiple kube-vip modes detected.`,
	Run: func(p *check.Pass) {
		if p.Site.LoadBalancer.Kind != "kube-vip" {
			return
		}
		bgp := ""
		for n := range byKey(p.Site.Pools) {
			if bgp == "" && announces(p.Site, n, "bgp") {
				bgp = n
			}
		}
		for n := range byKey(p.Site.Pools) {
			if bgp != "" && announces(p.Site, n, "l2") {
				p.Reportf(site.Join("pools", n, "announce", "protocol"), "kube-vip announces pool %q by l2 and pool %q by bgp: it runs in one mode", n, bgp).
					Hintf("one protocol for all pools").Related(site.Join("pools", bgp, "announce", "protocol"), "the other protocol")
			}
		}
	},
}

// KubeVIPPassword finds session passwords that kube-vip may misread.
var KubeVIPPassword = &check.Rule{
	ID: "MG4111", Name: "kube-vip-password", Severity: diag.Warning, On: check.OnSite,
	Doc: `kube-vip's BGP sessions have a password

kube-vip takes its peers as one text, fields by colon and peers by comma, the password among them: it stands in the
environment of a pod, and with a colon or a comma in it the list is read wrongly and no session comes up.
Source: kube-vip pkg/bgp ParseBGPPeerConfig, environment variable bgp_peers.`,
	Run: func(p *check.Pass) {
		b := p.Site.Fabric.BGP
		if p.Site.LoadBalancer.Kind != "kube-vip" || b == nil || b.PasswordSecret == "" {
			return
		}
		for n := range byKey(p.Site.Pools) {
			if announces(p.Site, n, "bgp") {
				p.Reportf("fabric.bgp.passwordSecret", "kube-vip reads the password of Secret %q out of a list by colon and comma", b.PasswordSecret).
					Hintf("a password without colon and comma, accepted by a waiver, or loadBalancer.kind \"metallb\"").
					Related("loadBalancer.kind", "the load balancer")
				return
			}
		}
	},
}

// OpenELBDormant finds a load balancer that nobody maintains.
var OpenELBDormant = &check.Rule{
	ID: "MG4112", Name: "openelb-dormant", Severity: diag.Warning, On: check.OnSite,
	Doc: `the load balancer of a production site is OpenELB, which is dormant

Its last release is of June 2024: the next change of Kubernetes that breaks it, and the next hole in it, wait for
somebody of your own.
Source: openelb/openelb releases and history, read 2026-11-20.`,
	Run: func(p *check.Pass) {
		if p.Site.LoadBalancer.Kind == "openelb" && p.Site.Environment == "production" {
			p.Reportf("loadBalancer.kind", "load balancer \"openelb\" in environment \"production\": its last release is of June 2024").
				Hintf("kind: \"metallb\"").Related("environment", "the environment")
		}
	},
}
