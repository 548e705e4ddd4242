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
		Components:         map[string]string{"cert-manager": p.CertManager.Version, "external-secrets": "", "prometheus-operator": ""}, // "": the newest known
		Charts:             map[string]verify.Chart{},
		Chrony:             map[string]string{},
		NodePorts:          fmt.Sprintf("%d-%d", p.Cluster.NodePorts.First, p.Cluster.NodePorts.Last),
		ExternalNamespaces: []string{"kube-system", "default"},
	}
	r.PluginCA = p.Mesh.CA != nil && p.Mesh.CA.Kind == "plugin"
	r.VaultCA = p.Consul != nil && p.Consul.CA != nil && p.Consul.CA.Vault != nil
	r.SPIRE = p.Mesh.CA != nil && p.Mesh.CA.SPIRE != nil
	r.TrustDomain = p.Mesh.TrustDomain
	for _, n := range p.Namespaces {
		if p.Cilium != nil && p.Cilium.Settings != nil && p.Cilium.Settings.SPIRE != nil && n.Purpose == "services" && n.Meshed && !n.Permissive {
			r.Proved = append(r.Proved, n.Name)
		}
	}
	if f := p.Federation; f != nil {
		r.Peers = map[string]string{}
		for _, peer := range f.Peers {
			r.Peers[peer.Name] = peer.TrustDomain
			for _, pods := range peer.Pods {
				if r.PeerPods == nil {
					r.PeerPods = map[string][]string{}
				}
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
		r.Components[rel.Component] = rel.Version
		c := verify.Chart{Name: rel.Chart, Version: rel.Version, Namespace: rel.Namespace, Repository: rel.Repository}
		for _, x := range rel.Patches {
			c.Patches = append(c.Patches, verify.Patch{Kind: x.Kind, Name: x.Name, Text: x.Text, At: x.From[0]})
		}
		r.Charts[rel.Name] = c
	}
	if u := p.Upgrade; u != nil {
		chart := func(rel ir.Release) verify.Chart {
			return verify.Chart{Name: rel.Chart, Version: rel.Version, Namespace: rel.Namespace, Repository: rel.Repository}
		}
		r.Upgrade = &verify.Upgrade{Charts: map[string]verify.Chart{}, Values: map[string]verify.Chart{}}
		for _, s := range u.Steps {
			r.Upgrade.Steps = append(r.Upgrade.Steps, s.Name)
			for _, c := range s.Run {
				if c.Chart != nil {
					r.Upgrade.Charts[c.Chart.Name] = chart(*c.Chart)
				}
			}
		}
		for _, v := range u.Values {
			r.Upgrade.Values[v.Name] = chart(v.Release)
		}
	}
	if p.Upgrade != nil && p.Linkerd != nil {
		r.Upgrade.Components = map[string]string{p.Mesh.Kind: p.Upgrade.To}
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
	if p.Linkerd != nil {
		r.Components[p.Mesh.Kind] = p.Mesh.Version // its charts have a calendar of their own
	}
	if p.Cilium == nil && p.Cluster.CNI.Kind == "cilium" {
		r.Components["cilium"] = "" // the newest known: somebody else installs it, and what is written here has long been of its kinds
	}
	if p.Cilium != nil {
		r.Components["cilium"] = p.Cluster.CNI.Version
		if p.CiliumMesh != nil && p.Federation != nil {
			r.Components["mcs-api"] = "" // the newest known: its operator installs the kinds
		}
	}
	if p.Calico != nil {
		r.Components["calico"] = "" // the newest known, which is served as the older ones are: others install Calico
		r.ExternalNamespaces = append(r.ExternalNamespaces, p.Calico.Namespace)
	}
	if p.CalicoEgress != nil {
		r.Components["calico-enterprise"] = "" // the newest known: its kinds come with whoever installs Calico
	}
	if p.Delivery.Kind == ir.ArgoCD {
		r.Components["argo-cd"] = "" // the newest known
		r.ExternalNamespaces = append(r.ExternalNamespaces, ir.ArgoNamespace)
	}
	if p.Delivery.Kind == ir.Flux {
		r.Components["flux"] = "" // the newest known
		r.ExternalNamespaces = append(r.ExternalNamespaces, ir.FluxNamespace)
	}
	if p.Scraper != nil {
		r.ExternalNamespaces = append(r.ExternalNamespaces, p.Scraper.Namespace)
	}
	if p.Mesh.Tracing != nil {
		r.ExternalNamespaces = append(r.ExternalNamespaces, p.Mesh.Tracing.Namespace)
	}
	return r
}
