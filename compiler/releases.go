package compiler

import (
	"fmt"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/verify"
)

// Applied is the tree of a plan as it reaches the cluster: with the site's own patches.
func Applied(p *ir.Plan, t *artifact.Tree) *artifact.Tree {
	if len(p.Patches) == 0 {
		return t
	}
	return verify.Applied(t, p.Name, releases(p).Patches)
}

// releases says to verify which releases the site declares, and what stands outside its tree.
func releases(p *ir.Plan) verify.Releases {
	r := verify.Releases{
		Site: p.Name, Kubernetes: p.Cluster.Version,
		GatewayAPI: p.Cluster.GatewayAPI.Version, GatewayAPIChannel: p.Cluster.GatewayAPI.Channel,
		Components:         components(p),
		Charts:             map[string]verify.Chart{},
		Chrony:             map[string]string{},
		NodePorts:          fmt.Sprintf("%d-%d", p.Cluster.NodePorts.First, p.Cluster.NodePorts.Last),
		ExternalNamespaces: namespacesOfOthers(p),
		Upgrade:            upgradeBySteps(p),
		PluginCA:           p.Mesh.CA != nil && p.Mesh.CA.Kind == "plugin",
		VaultCA:            p.Consul != nil && p.Consul.CA != nil && p.Consul.CA.Vault != nil,
		SPIRE:              p.Mesh.CA != nil && p.Mesh.CA.SPIRE != nil,
		TrustDomain:        p.Mesh.TrustDomain,
		Proved:             proved(p),
	}
	if f := p.Federation; f != nil {
		r.Peers, r.PeerPods = map[string]string{}, map[string][]string{}
		for _, peer := range f.Peers {
			r.Peers[peer.Name] = peer.TrustDomain
			for _, pods := range peer.Pods {
				r.PeerPods[peer.Name] = append(r.PeerPods[peer.Name], pods.String())
			}
		}
	}
	for i := range p.Groups {
		if t := &p.Groups[i].Time; t.Daemon == "chrony" {
			r.Chrony[p.Groups[i].Name] = t.Release
		}
	}
	for _, rel := range p.Releases {
		c := chart(rel)
		for _, x := range rel.Patches {
			c.Patches = append(c.Patches, verify.Patch{Kind: x.Kind, Name: x.Name, Text: x.Text, At: x.From[0]})
		}
		r.Charts[rel.Name] = c
	}
	for _, x := range p.Patches {
		r.Patches = append(r.Patches, verify.Patch{Kind: x.Kind, Name: x.Name, Text: x.Text, At: x.From[0]})
	}
	for _, s := range p.Secrets {
		if s.Late {
			r.LateSecrets = append(r.LateSecrets, s.Namespace+"/"+s.Name)
		}
	}
	if g := p.Registry; g != nil {
		r.Registry = &verify.Registry{Hosts: g.Hosts, Closed: g.Closed}
	}
	return r
}

// proved are the namespaces whose pods prove to each other who they are, by the agents of Cilium.
func proved(p *ir.Plan) (out []string) {
	if p.Cilium == nil || p.Cilium.Settings == nil || p.Cilium.Settings.SPIRE == nil {
		return nil
	}
	for _, n := range p.Namespaces {
		if n.Purpose == "services" && n.Meshed && !n.Permissive {
			out = append(out, n.Name)
		}
	}
	return out
}

func chart(r ir.Release) verify.Chart {
	return verify.Chart{Name: r.Chart, Version: r.Version, Namespace: r.Namespace, Repository: r.Repository}
}

// upgradeBySteps is what an upgrade by steps brings; nil where none is under way.
func upgradeBySteps(p *ir.Plan) *verify.Upgrade {
	if p.Upgrade == nil {
		return nil
	}
	u := &verify.Upgrade{Charts: map[string]verify.Chart{}, Values: map[string]verify.Chart{}}
	for _, s := range p.Upgrade.Steps {
		u.Steps = append(u.Steps, s.Name)
		for _, c := range s.Run {
			if c.Chart != nil {
				u.Charts[c.Chart.Name] = chart(*c.Chart)
			}
		}
	}
	for _, v := range p.Upgrade.Values {
		u.Values[v.Name] = chart(v.Release)
	}
	if p.Linkerd != nil {
		u.Components = map[string]string{p.Mesh.Kind: p.Upgrade.To}
	}
	return u
}

// components are the releases whose kinds the objects of the tree are of. Where somebody else brings the kinds, that is the
// newest release that is known.
func components(p *ir.Plan) map[string]string {
	const newest = ""
	out := map[string]string{"cert-manager": p.CertManager.Version, "external-secrets": newest, "prometheus-operator": newest}
	for _, r := range p.Releases {
		out[r.Component] = r.Version
	}
	if p.Linkerd != nil {
		out[p.Mesh.Kind] = p.Mesh.Version // its charts have a calendar of their own
	}
	switch {
	case p.Cilium != nil:
		out["cilium"] = p.Cluster.CNI.Version
		if p.CiliumMesh != nil && p.Federation != nil {
			out["mcs-api"] = newest // its operator installs the kinds
		}
	case p.Cluster.CNI.Kind == "cilium":
		out["cilium"] = newest // what is written here has long been of its kinds
	}
	if p.Calico != nil {
		out["calico"] = newest // which is served as the older ones are
	}
	if p.CalicoEgress != nil {
		out["calico-enterprise"] = newest
	}
	switch p.Delivery.Kind {
	case ir.ArgoCD:
		out["argo-cd"] = newest
	case ir.Flux:
		out["flux"] = newest
	}
	return out
}

// namespacesOfOthers are those that the tree puts objects into and does not make.
func namespacesOfOthers(p *ir.Plan) []string {
	out := []string{"kube-system", "default"}
	if p.Calico != nil {
		out = append(out, p.Calico.Namespace)
	}
	switch p.Delivery.Kind {
	case ir.ArgoCD:
		out = append(out, ir.ArgoNamespace)
	case ir.Flux:
		out = append(out, ir.FluxNamespace)
	}
	if p.Scraper != nil {
		out = append(out, p.Scraper.Namespace)
	}
	if p.Mesh.Tracing != nil {
		out = append(out, p.Mesh.Tracing.Namespace)
	}
	return out
}
