package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/lower"
	"meshgen.dev/meshgen/compiler/site"
)

const (
	labelMax  = 63  // of a label of DNS, and of the value of a Kubernetes label (RFC 1123; Kubernetes, Object Names and Labels)
	domainMax = 253 // of a DNS name, and of most names of objects
	// switchNameMax leaves room for the longest of what a switch names after the site, NAME_FROM_SPINES_V6: NX-OS takes 63
	// characters for the name of a route map.
	switchNameMax = labelMax - len("_FROM_SPINES_V6")
	// clusterDomainMax leaves room for the longest names of a Service and a namespace in front.
	clusterDomainMax = domainMax - len(".") - labelMax - len(".svc.") - labelMax
	releaseMax       = 53 // of a release of Helm (helm/helm, ValidateReleaseName, maxReleaseNameLen)
)

var nameRules = []*check.Rule{NameTooLong, NameBeginsWithDigit, ReleaseNameLong, HostIsNoName}

// NameTooLong finds names out of which longer ones are made than Kubernetes and switches take.
var NameTooLong = &check.Rule{
	ID: "MG5816", Name: "name-too-long", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a name is part of one that is longer than Kubernetes or a switch takes

Names of namespaces and Services, and values of labels, have 63 characters at the most; each node carries its own name as the
label kubernetes.io/hostname, and does not join the cluster with a longer one. A DNS name has 253.
Source: kubernetes.io, Object Names and IDs, Labels and Selectors; RFC 1035, section 2.3.4; Cisco NX-OS, route-map: 63
characters.`,
	Run: func(p *check.Pass) {
		s := p.Site
		whole := func(path, what, name, made string, most int) {
			if over := len(made) - most; over > 0 {
				p.Reportf(path, "%s %q is part of the name %s, which has %d characters: %d are the most", what, name, made, len(made), most).
					Hintf("a name of at most %d characters", len(name)-over)
			}
		}
		for n := range byKey(s.Gateways) {
			whole(site.Join("gateways", n), "gateway", n, lower.GatewayNamespace(n), labelMax)
		}
		for n := range byKey(s.EgressGateways) {
			if s.Mesh.Kind != "consul" { // whose own names consul-way-long looks at
				whole(site.Join("egressGateways", n), "egress gateway", n, lower.EgressNamespace(n), labelMax)
			}
		}
		for rn, r := range byKey(s.Racks) {
			if s.LoadBalancer.Kind == "kube-vip" {
				whole(site.Join("racks", rn), "rack", rn, lower.KubeVIPSpeakers(rn), labelMax)
			}
			for nn, n := range byKey(r.Nodes) {
				at := site.Join("racks", rn, "nodes", nn)
				if len(nn) > labelMax {
					p.Reportf(at, "node %q has %d characters, and is the value of its label kubernetes.io/hostname: %d are the most", nn, len(nn), labelMax).
						Hintf("a name of at most %d characters", labelMax)
				}
				if group := rn + "-" + n.Class; slices.Contains(s.Delivery.Hosts, "daemonset") && len(group) > labelMax {
					p.Reportf(at+".class", "node %q is of the machines %s, which pods that write files have as a label: %d characters, and %d are the most", nn, group, len(group), labelMax).
						Hintf("a shorter name for rack %q or for class %q, %d characters together", rn, n.Class, labelMax-1)
				}
			}
		}
		if runsSwitches(s) && len(s.Name) > switchNameMax {
			p.Reportf("name", "site name %q has %d characters, and switches have it in the names of lists and maps: %d are the most", s.Name, len(s.Name), switchNameMax).
				Hintf("a name of at most %d characters", switchNameMax)
		}
		if isIstio(s.Mesh.Kind) { // the Service of a control plane with a revision
			if s.Mesh.Revision != "" {
				whole("mesh.revision", "revision", s.Mesh.Revision, "istiod-"+s.Mesh.Revision, labelMax)
			}
			if u := s.Mesh.Upgrade; u != nil && u.Revision != "" {
				whole("mesh.upgrade.revision", "revision", u.Revision, "istiod-"+u.Revision, labelMax)
			}
		}
		if d := s.Kubernetes.ClusterDomain; len(d) > clusterDomainMax {
			p.Reportf("kubernetes.clusterDomain", "the domain has %d characters, and stands behind SERVICE.NAMESPACE.svc: %d are the most", len(d), clusterDomainMax).
				Hintf("a domain of at most %d characters", clusterDomainMax)
		}
		for svc := range services(s) {
			for i, e := range svc.Expose {
				made := e.Gateway + "-" + e.Host
				if over := len(made) + len("-https") - domainMax; over > 0 {
					p.Reportf(svc.path+".expose."+site.Index(i)+".host", "the route of this host is called after it and gateway %q, in %d characters: %d are the most", e.Gateway, len(made), domainMax-len("-https")).
						Hintf("a host of at most %d characters, or a shorter name for the gateway", len(e.Host)-over)
				}
			}
		}
	},
}

// NameBeginsWithDigit finds names that are those of Services, or of objects of switches, and begin with a digit.
var NameBeginsWithDigit = &check.Rule{
	ID: "MG5817", Name: "name-begins-with-digit", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a name begins with a digit, and what carries it begins with a letter

A Service has a name of RFC 1035: lower-case letters, digits and hyphens, a letter first. So have the Services of exposures, and
those that Istio and Consul make for a Gateway of the Gateway API, with their names in front. Lists and maps of switches are named after the site.
Source: kubernetes.io, Object Names and IDs, RFC 1035 label names; kubernetes pkg/apis/core/validation, ValidateServiceName.`,
	Run: func(p *check.Pass) {
		look := func(path, what, name, why string) {
			if name != "" && name[0] >= '0' && name[0] <= '9' {
				p.Reportf(path, "%s %q begins with a digit: %s", what, name, why).Hintf("a letter first: %s", fmt.Sprintf("%c-%s", strings.Fields(what)[0][0], name))
			}
		}
		s := p.Site
		for svc := range services(s) {
			look(svc.path, "service", svc.name, "no Service has such a name")
		}
		for n, g := range byKey(s.Gateways) {
			if g.Frontend == "gateway-api" && g.Implementation == nil && (isIstio(s.Mesh.Kind) || s.Mesh.Kind == "consul") {
				look(site.Join("gateways", n), "gateway", n, "the mesh gives its Service the same name")
			}
		}
		for n := range byKey(s.Exposures) {
			look(site.Join("exposures", n), "exposure", n, "its Service is called after it")
		}
		if runsSwitches(s) {
			look("name", "site", s.Name, "switches have it in front of the names of lists and maps")
		}
	},
}

// ReleaseNameLong finds gateways whose chart Helm does not install, for the name of its release.
var ReleaseNameLong = &check.Rule{
	ID: "MG5832", Name: "release-name-long", Severity: diag.Error, On: check.OnPlan, Guard: true,
	Doc: `the chart of a gateway has a release with a longer name than Helm takes

Helm leaves room behind the name of a release for what charts put there: it takes 53 characters, and so does Flux. Releases of
gateways are called after them.
Source: helm/helm, ValidateReleaseName, maxReleaseNameLen; fluxcd/helm-controller, HelmRelease, spec.releaseName; 2026-11-22.`,
	Run: func(p *check.Pass) {
		for _, r := range p.Plan.Releases {
			over := len(r.Name) - releaseMax
			at, what, name := site.Join("gateways", r.Gateway), "gateway", r.Gateway
			if r.Egress != "" {
				at, what, name = site.Join("egressGateways", r.Egress), "egress gateway", r.Egress
			}
			if name != "" && over > 0 {
				p.Reportf(at, "the chart of %s %q is release %s, whose name has %d characters: Helm takes %d", what, name, r.Name, len(r.Name), releaseMax).
					Hintf("a name of at most %d characters", len(name)-over)
			}
		}
	},
}

// numberedHost is a host that ends with a label of digits: an address, or what programs take for one.
var numberedHost = regexp.MustCompile(`(^|\.)[0-9]+$`)

// HostIsNoName finds hosts that the DNS has no name for.
var HostIsNoName = &check.Rule{
	ID: "MG5833", Name: "host-is-no-name", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a host is an address, or of a destination outside one label alone

What goes by names does not see addresses: nobody asks the DNS for one, no handshake of TLS names one, certificates have them
elsewhere, and the Gateway API has none for hosts. A name without a dot is looked up in the cluster's own domains first, and
Consul takes none.
Source: Gateway API, Hostname; RFC 6066, section 3; RFC 3696, section 2; hashicorp/consul agent/structs, ServiceConfigEntry, destination addresses.`,
	Run: func(p *check.Pass) {
		for n, e := range byKey(p.Site.External) {
			for i, h := range e.Hosts {
				at := site.Join("external", n, "hosts", site.Index(i))
				switch {
				case numberedHost.MatchString(h):
					p.Reportf(at, "host %s of destination %q is no name: it ends with a number, as addresses do", h, n).Hintf("addresses: [%q], or the name", h)
				case !strings.Contains(h, "."):
					p.Reportf(at, "host %s of destination %q is one label, which is looked up in the cluster's own domains", h, n).Hintf("the whole name, as %q", h+".example.net")
				}
			}
		}
		for s := range services(p.Site) {
			for i, e := range s.Expose {
				if numberedHost.MatchString(e.Host) {
					p.Reportf(s.path+".expose."+site.Index(i)+".host", "host %s of %s is no name: it ends with a number, as addresses do", e.Host, s.full()).Hintf("the name that clients ask for")
				}
			}
		}
	},
}

// runsSwitches reports whether some switch of the site gets a file.
func runsSwitches(s *site.Site) bool {
	if s.Fabric.BGP == nil {
		return false
	}
	for _, sp := range s.Fabric.Spines {
		if sp.OS != "" {
			return true
		}
	}
	for _, r := range s.Racks {
		for _, t := range r.ToRs {
			if t.OS != "" && t.ASN != 0 {
				return true
			}
		}
	}
	return false
}
