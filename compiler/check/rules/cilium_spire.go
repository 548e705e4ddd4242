package rules

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// signedAt is where a site says that SPIRE signs.
const signedAt = "mesh.ca.kind"

// ciliumSPIRE reports whether SPIRE is to sign for pods of Cilium.
func ciliumSPIRE(s *site.Site) bool {
	return s.Mesh.Kind == "cilium" && s.Mesh.CA != nil && s.Mesh.CA.Kind == "spire"
}

// CiliumSPIRE finds an authority that mesh cilium cannot have, or could do nothing with.
var CiliumSPIRE = &check.Rule{
	ID: "MG5589", Name: "cilium-spire", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `mesh cilium is given an authority, and it is none that could sign for it here

Nobody signs for workloads of Cilium but a SPIRE of its own, which its chart brings: other ones its project does not test, and
their server would have to know its agents and operators. The server keeps its keys and whom it signs for on a volume. Its
certificates live as long as SPIRE likes, an hour, and its root renews itself: the chart sets neither. Agents look for each
other by addresses of version 4 alone. With ztunnel the operator tells SPIRE of no workload of which policies could ask a
proof; and ztunnel itself, of encryption.ztunnel.ca.type spire, gets no socket of SPIRE's by the chart, and its agent signs all
the same. There is one trust domain for one cluster: none for a Cluster Mesh.
Source: cilium/cilium v1.20.2 Documentation/network/servicemesh/mutual-authentication, limitations;
install/kubernetes/cilium/templates/spire, templates/ztunnel/daemonset.yaml; operator/auth/watcher.go; pkg/ztunnel/ca;
bpf/lib/auth.h auth_lookup; spiffe/spire v1.15.3 pkg/server/credtemplate/builder.go; read 2026-11-22.`,
	Run: func(p *check.Pass) {
		s := p.Site
		ca := s.Mesh.CA
		if s.Mesh.Kind != "cilium" || ca == nil {
			return
		}
		if ca.Kind != "spire" {
			at := signedAt
			if ca.Kind == "" {
				at = "mesh.ca"
			}
			r := p.Reportf(at, "authority %s signs for nobody in mesh cilium: SPIRE can, and nothing else", cmp.Or(ca.Kind, "builtin")).Related("mesh.kind", "the mesh")
			if can := meshesSignedBy(cmp.Or(ca.Kind, "builtin")); can != "" {
				r.Hintf("leave mesh.ca out; what can: %s", can)
			}
			return
		}
		if ca.SPIRE == nil {
			p.Reportf(signedAt, "SPIRE's server keeps its keys and whom it signs for on a volume, and no StorageClass is named").
				Hintf(`spire: storageClass: "…", whose volumes come without anything of this site`)
		}
		unread := func(given bool, field, why string) {
			if given {
				p.Reportf("mesh.ca."+field, "%s", why).Related(signedAt, "who signs").Hintf("leave it out")
			}
		}
		unread(ca.RootNotAfter != "", "rootNotAfter", "SPIRE's server makes roots of its own, each for a day: none has this last day")
		unread(ca.IntermediateNotAfter != "", "intermediateNotAfter", "SPIRE's server signs by its root: there is no intermediate")
		unread(ca.WorkloadTTL != "24h" && ca.WorkloadTTL != "1h", "workloadTTL", "certificates of SPIRE's server live 1h, which Cilium's chart does not set")
		if v := s.Kubernetes.CNI.Version; strings.HasPrefix(v, "1.18.") || strings.HasPrefix(v, "1.19.") {
			p.Reportf("kubernetes.cni.version", "authentication by SPIRE is written for Cilium 1.20, and this one is %s", v).Related(signedAt, "who signs").Hintf("version: \"1.20.2\", or leave mesh.ca out")
		}
		if s.Mesh.Encrypts() == "ztunnel" {
			p.Reportf("mesh.encryption.kind", "with ztunnel Cilium tells SPIRE of no workload: every call that must be authenticated would be dropped").Related(signedAt, "who signs").
				Hintf(`encryption: kind: "wireguard", or leave mesh.ca out: agents sign for ztunnel`)
		}
		if s.Federation != nil {
			p.Reportf("federation", "pods of two clusters have no trust domain in common, and Cilium does not authenticate over a Cluster Mesh").Related(signedAt, "who signs").
				Hintf(`leave mesh.ca out, or mesh: kind: "istio-sidecar"`)
		}
		four := func(c string) bool { n, err := netip.ParsePrefix(c); return err != nil || n.Addr().Is4() }
		if c := s.Kubernetes.PodCIDRs; len(c) > 0 && !slices.ContainsFunc(c, four) {
			p.Reportf("kubernetes.podCIDRs.0", "agents know each other's nodes by addresses of version 4, and this cluster has none: every call that must be authenticated would be dropped").
				Related(signedAt, "who signs").Hintf("leave mesh.ca out, or mesh: kind: \"istio-sidecar\"")
		}
	},
}

// meshesSignedBy are the meshes that an authority can sign for.
func meshesSignedBy(kind string) string {
	var out []string
	for mesh, known := range byKey(signers) {
		if slices.Contains(known, kind) {
			out = append(out, mesh)
		}
	}
	return strings.Join(out, ", ")
}

// CiliumSPIREEnds says that authentication by SPIRE has an end, and what it gives until then.
var CiliumSPIREEnds = &check.Rule{
	ID: "MG5590", Name: "cilium-spire-ends", Severity: diag.Warning, On: check.OnSite,
	Doc: `agents of Cilium authenticate pods by SPIRE, which is beta, deprecated since 1.20, and gone in 1.21

Before the first packet of a caller's pods on one node reaches a service's on another, the two agents shake hands, each with
the certificate of its pods' identity. That is a proof of the agents, not of packets: who can send packets with the address of
a pod passes, unless they are encrypted (mesh.encryption). Each first packet is dropped, so that a first connection takes a
second more. When certificates end, connections that are open end too. All agents hold the keys of all workloads. The step
to Cilium 1.21 takes mesh.ca away first, or agents drop every call that must be authenticated.
Source: cilium/cilium v1.20.2 install/kubernetes/cilium/values.yaml, authentication.mutual ("will be removed in Cilium v1.21");
issue 47132; Documentation/network/servicemesh/mutual-authentication; bpf/bpf_lxc.c ipv4_policy; operator/auth/spire/client.go.`,
	Run: func(p *check.Pass) {
		if ciliumSPIRE(p.Site) {
			p.Reportf(signedAt, "authentication by SPIRE is beta in Cilium 1.20 and gone in 1.21: agents prove that a caller's pod is on its node, and packets prove nothing").
				Related("mesh.kind", "the mesh").Hintf(`mesh: kind: "istio-sidecar" has SPIRE's certificates in each connection; before Cilium 1.21 leave mesh.ca out`)
		}
	},
}

// CiliumSPIREUnasked finds SPIRE that no policy asks for anything.
var CiliumSPIREUnasked = &check.Rule{
	ID: "MG5591", Name: "cilium-spire-unasked", Severity: diag.Warning, On: check.OnSite,
	Doc: `SPIRE is there, and no caller must be authenticated

Callers of the services of strict namespaces must be, those of permissive ones need not. Without a call between services to a
strict namespace SPIRE signs for everybody, and nobody asks.
Source: cilium/cilium v1.20.2 pkg/policy/api/ingress.go, authentication.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if !ciliumSPIRE(s) {
			return
		}
		for svc := range services(s) {
			for _, c := range svc.Calls {
				if to, _, _ := strings.Cut(c, "/"); s.Authenticates(to) && svc.Workload != "VM" {
					return
				}
			}
		}
		p.Reportf(signedAt, "no service of a strict namespace is called by another: SPIRE signs, and nobody asks for it").Related("mesh.mtls", "the site's mode").
			Hintf(`mtls: "strict", for the site, or leave mesh.ca out`)
	},
}

// CiliumSPIREPast lists the ways into strict namespaces on which nobody is authenticated.
var CiliumSPIREPast = &check.Rule{
	ID: "MG5592", Name: "cilium-spire-past", Severity: diag.Note, On: check.OnSite,
	Doc: `a service of a strict namespace is reached by who cannot be authenticated

SPIRE signs for identities of pods. Gateways are one reserved identity of all nodes, machines and clients of an exposure are
addresses: asked for a proof they would never pass. Their rules ask for none, and hold them to the same ports and requests.
Source: cilium/cilium v1.20.2 pkg/auth/manager.go handleAuthRequest.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if !ciliumSPIRE(s) {
			return
		}
		var all []string
		for svc := range services(s) {
			for i := range svc.Expose {
				if s.Authenticates(svc.namespace) {
					all = append(all, svc.path+".expose."+site.Index(i))
				}
			}
			for i, c := range svc.Calls {
				if to, _, _ := strings.Cut(c, "/"); svc.Workload == "VM" && s.Authenticates(to) {
					all = append(all, svc.path+".calls."+site.Index(i))
				}
			}
		}
		for name, e := range byKey(s.Exposures) {
			if ns, _, _ := strings.Cut(e.Service, "/"); s.Authenticates(ns) {
				all = append(all, site.Join("exposures", name, "service"))
			}
		}
		if len(all) == 0 {
			return
		}
		r := p.Reportf(all[0], "who comes this way is not authenticated: SPIRE signs for pods of services alone").Related(signedAt, "who signs")
		for _, at := range all[1:min(len(all), shownLines)] {
			r.Related(at, "the same")
		}
	},
}
