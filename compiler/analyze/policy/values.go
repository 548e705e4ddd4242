package policy

import (
	"cmp"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"meshgen.dev/meshgen/compiler/artifact"
)

// meshValues is what counts of the values of the control plane's chart. Defaults are Istio's.
type meshValues struct {
	Profile      string   `json:"profile"` // "ambient", or sidecars
	Revision     string   `json:"revision"`
	RevisionTags []string `json:"revisionTags"`
	MeshConfig   struct {
		TrustDomain           string        `json:"trustDomain"`        // "cluster.local" when not given
		TrustDomainAliases    []string      `json:"trustDomainAliases"` // identities of theirs count as ours; no caller of a World has one
		RootNamespace         string        `json:"rootNamespace"`      // the control plane's when not given
		EnableAutoMTLS        *bool         `json:"enableAutoMtls"`     // understood when true, the default
		OutboundTrafficPolicy trafficPolicy `json:"outboundTrafficPolicy"`
	} `json:"meshConfig"`
}

// trafficPolicy says what becomes of calls to unknown hosts: ALLOW_ANY, the default, or REGISTRY_ONLY.
type trafficPolicy struct {
	Mode string `json:"mode"`
}

// gatewayValues is what counts of the values of a gateway's chart.
type gatewayValues struct {
	Service serviceFacts `json:"service"`
}

// serviceFacts is what counts of the Service of a gateway.
type serviceFacts struct {
	ExternalTrafficPolicy    string        `json:"externalTrafficPolicy"`
	LoadBalancerSourceRanges []string      `json:"loadBalancerSourceRanges"`
	Ports                    []servicePort `json:"ports"`
	object                   Object
}

type servicePort struct {
	Port       uint16 `json:"port"`
	TargetPort uint16 `json:"targetPort"` // 0: the same number
}

// readValues reads the values of the charts that the World names.
func (m *Model) readValues(t *artifact.Tree) error {
	if m.world.MeshValues == "" {
		return nil // no mesh
	}
	if err := values(t, m.world.MeshValues, &m.mesh); err != nil {
		return err
	}
	c := m.mesh.MeshConfig
	if c.EnableAutoMTLS != nil && !*c.EnableAutoMTLS {
		return fmt.Errorf("%s: enableAutoMtls false is not understood", m.world.MeshValues)
	}
	if m.world.NextValues != "" {
		var next meshValues
		if err := values(t, m.world.NextValues, &next); err != nil {
			return err
		}
		if n := next.MeshConfig; n.TrustDomain != c.TrustDomain || n.RootNamespace != c.RootNamespace || n.OutboundTrafficPolicy != c.OutboundTrafficPolicy {
			return fmt.Errorf("%s: the two control planes differ in what they tell proxies", m.world.NextValues)
		}
		m.mesh.RevisionTags = append(m.mesh.RevisionTags, next.Revision)
	}
	m.root = cmp.Or(c.RootNamespace, m.world.MeshNamespace)
	for _, w := range slices.Concat(m.world.Workloads, m.world.Egress) {
		if w.Values == "" {
			continue
		}
		var g gatewayValues
		if err := values(t, w.Values, &g); err != nil {
			return err
		}
		g.Service.object = Object{Kind: "Service", Namespace: w.Namespace, Name: w.Name, File: w.Values, Line: portsLine(t, w.Values)}
		m.releases[w.Values] = g
	}
	return nil
}

// portsLine returns that of the Service's ports in the values of a gateway, 1 where they say nothing of it.
func portsLine(t *artifact.Tree, file string) int {
	var doc yaml.Node
	if yaml.Unmarshal(t.Lookup(file).Bytes(), &doc) != nil {
		return 1
	}
	return meta{Object{Line: 1}, doc.Content[0]}.at("service", "ports").Line
}

// values reads one file of values, of which other fields are the chart's business.
func values(t *artifact.Tree, path string, into any) error {
	f := t.Lookup(path)
	if f == nil {
		return fmt.Errorf("%s is not in the tree", path)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(f.Bytes(), &doc); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := decode(doc.Content[0], into, false); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// meshed reports whether the pods of a workload run the mesh's proxy.
func (m *Model) meshed(w *Workload) bool {
	if w == nil || w.Opted || w.Machine {
		return false
	}
	if m.world.MeshValues == "" {
		return false
	}
	if w.Gateway {
		return true
	}
	if m.ambient() {
		return m.inAmbient(w)
	}
	labels, ours := m.namespaces[w.Namespace]
	if !ours {
		return w.Meshed
	}
	// The first label wins: Istio's webhooks leave out namespaces that have it and look at the second otherwise.
	if v, ok := labels["istio-injection"]; ok {
		return v == "enabled" && (m.mesh.Revision == "" || m.mesh.Revision == "default")
	}
	rev, ok := labels["istio.io/rev"]
	return ok && (rev == cmp.Or(m.mesh.Revision, "default") || slices.Contains(m.mesh.RevisionTags, rev))
}

// identity returns the name in the certificate of a workload's proxy, without its scheme; "" without a proxy.
func (m *Model) identity(w *Workload) string {
	if !m.meshed(w) {
		return ""
	}
	return cmp.Or(m.mesh.MeshConfig.TrustDomain, "cluster.local") + "/ns/" + w.Namespace + "/sa/" + cmp.Or(w.ServiceAccount, "default")
}
