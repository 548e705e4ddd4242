package rules

import (
	"slices"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// CiliumZtunnel finds encryption by workload, with which policies of the site would not hold.
var CiliumZtunnel = &check.Rule{
	ID: "MG5565", Name: "cilium-ztunnel", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `encryption of type ztunnel is asked for, and callers could not be held to what is declared

It is beta, and not written. Pods of enrolled namespaces send by ztunnel, which makes of every connection one to port 15008:
Cilium's policies see that port alone, and ztunnel gets none of its own, because the agent answers its question for them with
nothing. Whoever may call one port of a pod may call all of them, and no request is looked at. Pods take plain text from
whoever a policy lets in. Between a pod that is enrolled and one that is not nothing is supported: gateways are proxies of
nodes, which no namespace enrolls; so are machines outside, pods in the network of their host, and whoever scrapes from another
namespace. Datagrams are not encrypted. No agent starts with it and Cluster Mesh.
Source: cilium/cilium v1.20.2 Documentation/security/network/encryption-ztunnel.rst; pkg/ztunnel/xds/stream_processor.go
handleAuthorizationTypeURL; pkg/ztunnel/iptables/inpod.go addInPodRules; pkg/ztunnel/cell.go validateConfig.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if s.Mesh.Encrypts() != "ztunnel" {
			return
		}
		r := p.Reportf("mesh.encryption.kind", "ztunnel is beta, and callers could not be held to ports and requests: policies see its port 15008 alone").
			Hintf(`kind: "wireguard" or "ipsec", between nodes; for identities of workloads mesh: kind: "istio-ambient"`)
		for _, b := range ztunnelBreaks(s) {
			r.Related(b.path, "%s", b.why)
		}
	},
}

// A broken is a line of a site that would not hold, and why.
type broken struct{ path, why string }

// ztunnelBreaks are the first lines of a site of each kind that ztunnel would break, sorted by kind.
func ztunnelBreaks(s *site.Site) []broken {
	var out []broken
	first := func(path, why string) {
		if !slices.ContainsFunc(out, func(b broken) bool { return b.why == why }) {
			out = append(out, broken{path, why})
		}
	}
	if s.Federation != nil {
		first("federation", "no agent starts with it and Cluster Mesh")
	}
	for name := range byKey(s.Gateways) {
		first(site.Join("gateways", name), "its proxies are those of nodes, which are not enrolled: they reach no service that is")
	}
	for name := range byKey(s.Exposures) {
		first(site.Join("exposures", name), "its clients are outside, and not enrolled")
	}
	if sc := s.Observability.Scraper; sc != nil && !sc.Meshed {
		first("observability.scraper", "it is out of the mesh, and not enrolled: it reaches no pod that is")
	}
	for svc := range services(s) {
		meshed := s.Namespaces[svc.namespace].Mesh
		for i := range svc.Calls {
			if !meshed {
				first(svc.path+".calls."+site.Index(i), "the caller is out of the mesh, and not enrolled")
			}
		}
		if svc.Workload == "VM" {
			first(svc.path+".workload", "a machine outside is not enrolled: no pod that is reaches it")
		}
		if !meshed {
			continue
		}
		for i, a := range svc.Allow {
			if len(a.Methods) > 0 || len(a.Paths) > 0 {
				first(svc.path+".allow."+site.Index(i), "nothing looks into requests: callers may ask for anything")
			}
		}
		for pn, port := range byKey(svc.Ports) {
			if at := site.Join(svc.path+".ports", pn); port.Protocol == "udp" {
				first(at, "datagrams are not encrypted")
			} else if len(svc.Ports) > 1 || svc.Health != nil {
				first(at, "whoever may call this port may call all others of its pods")
			}
		}
	}
	return out
}
