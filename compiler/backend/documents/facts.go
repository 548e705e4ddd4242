package documents

import (
	"fmt"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
)

// relied names what others install.
func relied(p *ir.Plan) string {
	out := []string{"Kubernetes " + p.Cluster.Version + " by " + p.Cluster.Distribution}
	if !slices.ContainsFunc(p.Releases, func(r ir.Release) bool { return r.Component == p.Cluster.CNI.Kind }) {
		out = append(out, "the pod network "+strings.TrimSpace(p.Cluster.CNI.Kind+" "+p.Cluster.CNI.Version))
	}
	if names := p.Cluster.APINames; len(names) > 1 {
		api := "the API by the name " + code(names[1]) + ", which must lead to " + names[0] + " before there is a cluster, and so not by its own DNS"
		if p.Cluster.Distribution == "kubeadm" {
			api += ", and be in its certificate (" + code(fmt.Sprintf("kubeadm init --control-plane-endpoint %s:%d --apiserver-cert-extra-sans %s", names[1], p.Cluster.APIServers[0].Port(), strings.Join(names, ","))) + ")"
		}
		out = append(out, api)
	}
	var issuers, stores []string
	for _, s := range p.Secrets {
		if s.Issuer != "" && !s.Local && !slices.Contains(issuers, s.Issuer) {
			issuers = append(issuers, s.Issuer)
		}
		if s.Store != "" && !slices.Contains(stores, s.Store) {
			stores = append(stores, s.Store)
		}
	}
	if issuers != nil {
		out = append(out, strings.TrimSpace("cert-manager "+p.CertManager.Version)+" with ClusterIssuer "+codes(issuers))
	}
	if stores != nil {
		out = append(out, "the External Secrets operator with ClusterSecretStore "+codes(stores))
	}
	if ca := p.Mesh.CA; ca != nil && ca.SPIRE != nil {
		out = append(out, "SPIRE, as [below](#rotation-of-certificates), with driver "+code(ca.SPIRE.Driver))
	}
	if c := p.Cilium; c != nil && c.Settings != nil && c.Settings.SPIRE != nil {
		out = append(out, "StorageClass "+code(c.Settings.SPIRE.StorageClass)+", whose volumes come without anything that is installed here")
	}
	if p.Scraper != nil {
		out = append(out, "Prometheus in namespace "+code(p.Scraper.Namespace))
	}
	if p.Delivery.Kind == ir.ArgoCD {
		out = append(out, "Argo CD in namespace `argocd`")
	}
	if p.Delivery.Kind == ir.Flux {
		out = append(out, "Flux 2.8 or later in namespace `flux-system`")
	}
	return strings.Join(out, "; ")
}

// words lists the words that the switch files leave to the delivery.
func words(p *ir.Plan) string {
	var all []string
	for i := range p.Switches {
		found, _ := ir.Placeholders(p.Switches[i].PeerGroups())
		for _, w := range found {
			if !slices.Contains(all, w) {
				all = append(all, w)
			}
		}
	}
	if all == nil {
		return "none"
	}
	return codes(all)
}

func sourcesOf(p *ir.Plan) string {
	var all []string
	for _, g := range p.Groups {
		for _, s := range g.Time.Sources {
			from := s.Upstream
			if from == "" {
				from = "the sources before it"
			}
			if text := code(s.Address) + " (" + s.Name + ", from " + from + ")"; !slices.Contains(all, text) {
				all = append(all, text)
			}
		}
	}
	return strings.Join(all, ", ")
}

// failover is how long a switch keeps the routes of a dead node.
func failover(p *ir.Plan) string {
	switch lb := &p.LoadBalancer; {
	case lb.BFD != nil:
		return fmt.Sprintf("%d ms, by BFD", lb.BFD.IntervalMS*lb.BFD.Multiplier)
	case len(lb.Peerings) > 0:
		return fmt.Sprintf("%d s, the hold time", lb.Peerings[0].HoldSecs)
	}
	return "a time of its own"
}

// speakers says of each announcing node what it may carry, and who does when it is gone.
func speakers(p *ir.Plan) []speaker {
	eligible := map[string]int{}
	for i := range p.Nodes {
		for j := range p.Gateways {
			if mayRun(&p.Gateways[j], &p.Nodes[i]) {
				eligible[p.Gateways[j].Name]++
			}
		}
	}
	var out []speaker
	for _, n := range p.Nodes {
		if !n.Speaker {
			continue
		}
		s := speaker{Name: n.Name, Rack: n.Rack}
		var gateways, addresses, others []string // others by number: a row must not grow with the site
		for i := range p.Gateways {
			g := &p.Gateways[i]
			if mayRun(g, &n) {
				gateways = append(gateways, g.Name)
				others = append(others, fmt.Sprintf("%d for `%s`, in racks %s", eligible[g.Name]-1, g.Name, strings.Join(g.Racks, ", ")))
			}
			if slices.Contains(poolOf(p, g.Pool).Racks, n.Rack) {
				addresses = append(addresses, ir.Addrs(g.VIPs)...)
			}
		}
		s.Gateways, s.Addresses, s.Others = dash(codes(gateways)), dash(codes(addresses)), dash(strings.Join(others, "; "))
		out = append(out, s)
	}
	return out
}

func mayRun(g *ir.Gateway, n *ir.Node) bool {
	return n.Class == g.Class && slices.Contains(g.Racks, n.Rack)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
