package rules

import (
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// ZtunnelBeta says what ztunnel of Cilium gives, and what it does not.
var ZtunnelBeta = &check.Rule{
	ID: "MG5581", Name: "ztunnel-beta", Severity: diag.Warning, On: check.OnSite,
	Doc: `workloads talk by Cilium's ztunnel, which is beta

It gives mutual TLS for TCP between enrolled pods, on one node too, with a certificate for each account of Kubernetes
(spiffe://cluster.local/ns/…/sa/…) that the agent of its node signs: policies let nothing else pass between them. It holds no
policies, so that a caller reaches all ports of a pod, those that the site does not name too. Certificates last 30 days and
begin at the moment of signing: a peer whose clock is behind refuses them until it has come that far. Keys of the authority
are in a Secret on every node, and who reads it can be anybody. A pod that starts waits for the ztunnel of its node, and all
connections of a node's enrolled pods end when that one restarts.
Source: cilium/cilium v1.20.2 Documentation/security/network/encryption-ztunnel.rst, pkg/ztunnel/ca/ca_server.go,
pkg/ztunnel/zds/server.go EnrollEndpoint.`,
	Run: func(p *check.Pass) {
		if e := p.Site.Mesh.Encryption; p.Site.Mesh.Encrypts() == "ztunnel" && len(e.Namespaces) > 0 {
			p.Reportf("mesh.encryption.kind", "ztunnel of Cilium is beta: mutual TLS for TCP, a certificate for each account, and callers of a pod reach all of its ports").
				Related(enrolledAt, "for whom").Hintf(`mesh: kind: "istio-ambient" has the same proxy, with policies`)
		}
	},
}

// ZtunnelStrict finds mutual TLS that is strict, and calls without it.
var ZtunnelStrict = &check.Rule{
	ID: "MG5582", Name: "ztunnel-strict", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `mutual TLS is strict, and ztunnel leaves some calls in plain text

It encrypts between enrolled pods, and nothing else between nodes: Cilium has one kind of encryption at a time.
Source: cilium/cilium v1.20.2 install/kubernetes/cilium/templates/cilium-configmap.yaml, encryption.type.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if s.Mesh.MTLS != "strict" || s.Mesh.Encrypts() != "ztunnel" {
			return
		}
		if all := ztunnelPlain(s); len(all) > 0 {
			r := p.Reportf("mesh.mtls", "mutual TLS is strict, and with ztunnel what is between others than its namespaces is in plain text").Related(enrolledAt, "who talks by ztunnel").
				Hintf(`mtls: "permissive"; or all namespaces that call or are called`)
			for _, at := range all[:min(len(all), shownLines)] {
				r.Related(at, "in plain text")
			}
		}
	},
}

// ZtunnelPlain says what stays in plain text.
var ZtunnelPlain = &check.Rule{
	ID: "MG5583", Name: "ztunnel-plain", Severity: diag.Warning, On: check.OnSite,
	Doc: `calls stay in plain text between nodes, because their namespaces do not talk by ztunnel

WireGuard and IPsec encrypt what pods of all namespaces say between nodes; beside ztunnel there is neither. Who may call whom
policies hold all the same.
Source: cilium/cilium v1.20.2 install/kubernetes/cilium/templates/cilium-configmap.yaml, encryption.type.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if s.Mesh.MTLS == "strict" || s.Mesh.Encrypts() != "ztunnel" || len(s.Mesh.Encryption.Namespaces) == 0 {
			return
		}
		if all := ztunnelPlain(s); len(all) > 0 {
			r := p.Reportf(enrolledAt, "what is between others than these namespaces is in plain text").Hintf(`kind: "wireguard" encrypts between nodes for all of them, and proves no workload's identity`)
			for _, at := range all[:min(len(all), shownLines)] {
				r.Related(at, "in plain text")
			}
		}
	},
}

// ztunnelPlain are the lines of calls, of services and of gateways, inside of the cluster that ztunnel does not encrypt, in the order of the site.
func ztunnelPlain(s *site.Site) []string {
	var out []string
	for svc := range services(s) {
		in := s.Mesh.Enrolls(svc.namespace)
		for i, c := range svc.Calls {
			if to, _, _ := strings.Cut(c, "/"); !in || !s.Mesh.Enrolls(to) {
				out = append(out, svc.path+".calls."+site.Index(i))
			}
		}
		for i := range svc.Expose {
			out = append(out, svc.path+".expose."+site.Index(i))
		}
	}
	return out
}
