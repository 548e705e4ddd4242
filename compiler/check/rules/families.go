package rules

import (
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// families is a set of address families.
type families struct{ v4, v6 bool }

func (f families) has(is4 bool) bool { return is4 && f.v4 || !is4 && f.v6 }

// familySet collects the families of addresses, prefixes and ranges; what cannot be read has none.
func familySet(texts []string) families {
	var f families
	for _, t := range texts {
		if is4, ok := familyOf(t); ok {
			f.v4, f.v6 = f.v4 || is4, f.v6 || !is4
		}
	}
	return f
}

func familyOf(text string) (is4, ok bool) {
	if i := strings.IndexAny(text, "-/"); i >= 0 {
		text = text[:i]
	}
	ip, err := netip.ParseAddr(text)
	return ip.Is4(), err == nil
}

// both are the families, IPv4 first.
var both = []bool{true, false}

// twice reports whether both of a pair are of one family.
func twice(texts []string) bool {
	f := familySet(texts)
	return len(texts) == 2 && f.v4 != f.v6
}

// OnePerFamily finds pairs of one family.
var OnePerFamily = &check.Rule{
	ID: "MG1140", Name: "one-per-family", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `two addresses or networks are given where one for each family is meant, and both are of one family

The API server and the controller manager do not start with two ranges of one family; a node keeps the first of two
addresses and ignores the other.
Source: Kubernetes cmd/kube-apiserver/app/options/validation.go; k8s.io/component-helpers node/util, GetNodeHostIPs.`,
	Run: func(p *check.Pass) {
		see := func(what string, texts []string, path ...string) {
			if twice(texts) {
				p.Reportf(site.Join(append(path, site.Index(1))...), "%s are %s and %s, both %s", what, texts[0], texts[1], family(familySet(texts).v4)).
					Hintf("give one, or one of each family")
			}
		}
		see("the pod networks", p.Site.Kubernetes.PodCIDRs, "kubernetes", "podCIDRs")
		see("the Service networks", p.Site.Kubernetes.ServiceCIDRs, "kubernetes", "serviceCIDRs")
		for rn, r := range byKey(p.Site.Racks) {
			see("the default gateways of rack "+rn, r.DefaultGateway, "racks", rn, "defaultGateway")
			for tn, t := range byKey(r.ToRs) {
				see("the addresses of switch "+t.Hostname, t.Address, "racks", rn, "tors", tn, "address")
			}
			for nn, n := range byKey(r.Nodes) {
				see("the addresses of node "+nn, n.Address, "racks", rn, "nodes", nn, "address")
			}
		}
	},
}

// ServiceFamily finds Services in a family that pods do not have.
var ServiceFamily = &check.Rule{
	ID: "MG1141", Name: "service-family", Severity: diag.Error, On: check.OnSite,
	Doc: `the networks of pods and of Services do not have the same address families

A Service gets an address in a family in which no pod can answer, and every connection to it is refused. k3s and rke2 do
not start when pods have a family that Services lack, either; elsewhere that is a choice.
Source: Kubernetes documentation, IPv4/IPv6 dual-stack; k3s pkg/agent/config, same families of cluster-cidr and service-cidr.`,
	Run: func(p *check.Pass) {
		k := p.Site.Kubernetes
		if twice(k.PodCIDRs) || twice(k.ServiceCIDRs) {
			return
		}
		pods, svc := familySet(k.PodCIDRs), familySet(k.ServiceCIDRs)
		strict := k.Distribution == "k3s" || k.Distribution == "rke2"
		for _, is4 := range both {
			switch {
			case svc.has(is4) && !pods.has(is4):
				at := indexOfFamily(k.ServiceCIDRs, is4)
				p.Reportf(site.Join("kubernetes", "serviceCIDRs", site.Index(at)), "Services have %s addresses (%s), and pods have none (%s)", family(is4), k.ServiceCIDRs[at], strings.Join(k.PodCIDRs, ", ")).
					Related("kubernetes.podCIDRs", "the pod networks").
					Hintf("a network of that family in podCIDRs too, or none in serviceCIDRs")
			case pods.has(is4) && !svc.has(is4) && strict:
				at := indexOfFamily(k.PodCIDRs, is4)
				p.Reportf(site.Join("kubernetes", "podCIDRs", site.Index(at)), "pods have %s addresses (%s), Services have none (%s), and %s does not start so", family(is4), k.PodCIDRs[at], strings.Join(k.ServiceCIDRs, ", "), k.Distribution).
					Related("kubernetes.serviceCIDRs", "the Service networks").
					Hintf("a network of that family in serviceCIDRs too, or none in podCIDRs")
			}
		}
	},
}

func indexOfFamily(texts []string, is4 bool) int {
	return slices.IndexFunc(texts, func(t string) bool {
		got, ok := familyOf(t)
		return ok && got == is4
	})
}

// NodeFamily finds nodes without an address of a family that their pods have.
var NodeFamily = &check.Rule{
	ID: "MG1142", Name: "node-family", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a node has no address of a family that pods have

Without encapsulation nobody can route to its pods in that family; with it, host-network pods and probes of that family
fail on this node only, which is a warning. A control-plane node needs an address in the first family of Services: the
API server compares the two and stops.
Source: Kubernetes documentation, IPv4/IPv6 dual-stack; cmd/kube-apiserver/app/options/validation.go; k3s pkg/agent/config.`,
	Run: func(p *check.Pass) {
		k := p.Site.Kubernetes
		tunnel := k.CNI.Encapsulation != "none" && k.Distribution != "k3s" && k.Distribution != "rke2"
		pods := familySet(k.PodCIDRs)
		for _, is4 := range both {
			if !pods.has(is4) {
				continue
			}
			at := indexOfFamily(k.PodCIDRs, is4)
			network := site.Join("kubernetes", "podCIDRs", site.Index(at))
			var without []string
			all := 0
			for rn, r := range byKey(p.Site.Racks) {
				for nn, n := range byKey(r.Nodes) {
					if all++; !familySet(n.Address).has(is4) {
						without = append(without, site.Join("racks", rn, "nodes", nn))
					}
				}
			}
			soften := func(r *check.Report) {
				if tunnel && pods.has(!is4) {
					r.Warning()
				}
			}
			if all > 0 && len(without) == all {
				soften(p.Reportf(network, "pods have %s addresses (%s), and no node has one", family(is4), k.PodCIDRs[at]).
					Hintf("give each node an %s address", family(is4)))
				continue
			}
			for _, path := range without {
				soften(p.Reportf(path+".address", "node %s has no %s address, and pods have them (%s)", nodeName(path), family(is4), k.PodCIDRs[at]).
					Related(network, "the pod network").Hintf("address: […, …], one of each family"))
			}
		}
		primaryFamily(p, pods)
	},
}

// primaryFamily holds control-plane nodes to the first family of Services, where pods do not have it: then it is not said yet.
func primaryFamily(p *check.Pass, pods families) {
	k := p.Site.Kubernetes
	if len(k.ServiceCIDRs) == 0 {
		return
	}
	is4, ok := familyOf(k.ServiceCIDRs[0])
	if !ok || pods.has(is4) {
		return
	}
	for rn, r := range byKey(p.Site.Racks) {
		for nn, n := range byKey(r.Nodes) {
			if c := p.Site.NodeClasses[n.Class]; c != nil && c.ControlPlane && !familySet(n.Address).has(is4) {
				p.Reportf(site.Join("racks", rn, "nodes", nn, "address"), "control-plane node %s has no %s address, the family of the first Service network %s", nn, family(is4), k.ServiceCIDRs[0]).Hintf("address: an %s address as well; or the other family first in kubernetes.serviceCIDRs", family(is4)).
					Related("kubernetes.serviceCIDRs.0", "the first Service network")
			}
		}
	}
}

// nodeName is the name of the node at a path.
func nodeName(path string) string {
	s := site.Split(path)
	return s[len(s)-1]
}

// APIFamily finds nodes that cannot reach the API by its address.
var APIFamily = &check.Rule{
	ID: "MG1143", Name: "api-address-family", Severity: diag.Error, On: check.OnSite,
	Doc: `the address of the API is of a family that a node has no address of

Its kubelet never registers: there is no route from one family to the other.
Source: RFC 4213, section 2: nodes reach a family only with an address of it.`,
	Run: func(p *check.Pass) {
		api, err := netip.ParseAddr(p.Site.Kubernetes.APIServer.Address)
		if err != nil || api.IsLoopback() { // every node has that
			return
		}
		is4 := api.Is4()
		n := 0
		var first string
		for rn, r := range byKey(p.Site.Racks) {
			for nn, node := range byKey(r.Nodes) {
				if f := familySet(node.Address); (f.v4 || f.v6) && !f.has(is4) {
					if n++; n == 1 {
						first = site.Join("racks", rn, "nodes", nn)
					}
				}
			}
		}
		if n > 0 {
			p.Reportf("kubernetes.apiServer.address", "the API has address %s, and %d node(s) have no %s address: %s", api, n, family(is4), nodeName(first)).
				Related(first+".address", "the first of them").
				Hintf("an address of the family that all nodes have, or one of each family for each node")
		}
	},
}

// DefaultGatewayFamily finds racks with a way out in one family only.
var DefaultGatewayFamily = &check.Rule{
	ID: "MG1144", Name: "default-gateway-family", Severity: diag.Warning, On: check.OnSite,
	Doc: `nodes have addresses of a family, and their rack has no default gateway in it

Traffic of this family ends at the edge of the rack: answers to clients outside go nowhere, and what tries both families
waits for the one that is dead.
Source: RFC 8305 for the wait; RFC 1122, section 3.3.1.`,
	Run: func(p *check.Pass) {
		for rn, r := range byKey(p.Site.Racks) {
			gateways, subnets := familySet(r.DefaultGateway), familySet(r.Subnets)
			if len(r.DefaultGateway) == 0 {
				continue
			}
			for _, is4 := range both {
				if gateways.has(is4) || !subnets.has(is4) {
					continue
				}
				for nn, n := range byKey(r.Nodes) {
					if familySet(n.Address).has(is4) {
						p.Reportf(site.Join("racks", rn, "defaultGateway"), "nodes of rack %q have %s addresses, and none of its default gateways (%s) is one", rn, family(is4), strings.Join(r.DefaultGateway, ", ")).
							Related(site.Join("racks", rn, "nodes", nn, "address"), "a node with such an address")
						break
					}
				}
			}
		}
	},
}
