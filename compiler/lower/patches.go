package lower

import (
	"bytes"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// made is an object that a chart always makes. In names "{release}" stands for the release's, and "{revision}" for what
// a control plane's revision adds.
type made struct{ apiVersion, kind, name string }

// charts are the objects of charts that a patch may aim at, by the name of the chart: those which it makes whatever its
// values say. A patch of one that is not there would do nothing, and nobody would say so.
// Sources, all read 2026-11-21: istio/istio release-1.31 manifests/charts/{istio-control/istio-discovery,istio-cni,ztunnel,
// gateway}/templates; metallb/metallb main charts/metallb/templates; cilium/cilium v1.20.2 install/kubernetes/cilium/templates;
// linkerd/linkerd2 main charts/linkerd-control-plane/templates, charts/linkerd2-cni/templates; hashicorp/consul-k8s main
// charts/consul/templates; openelb/openelb master charts/templates; envoyproxy/gateway v1.8.3 and v1.9.1 charts/gateway-helm/templates.
var charts = map[string][]made{
	"istiod": {
		{"apps/v1", "Deployment", "istiod{revision}"},
		{"v1", "Service", "istiod{revision}"},
		{"v1", "ConfigMap", "istio{revision}"},
		{"v1", "ConfigMap", "istio-sidecar-injector{revision}"},
	},
	"cni":                   {{"apps/v1", "DaemonSet", "istio-cni-node"}},
	"ztunnel":               {{"apps/v1", "DaemonSet", "ztunnel"}},
	"gateway":               {{"apps/v1", "Deployment", "{release}"}, {"v1", "Service", "{release}"}},
	"metallb":               {{"apps/v1", "Deployment", "{release}-controller"}, {"apps/v1", "DaemonSet", "{release}-speaker"}},
	"openelb":               {{"apps/v1", "Deployment", "openelb-controller"}, {"apps/v1", "DaemonSet", "openelb-speaker"}},
	"cilium":                {{"apps/v1", "DaemonSet", "cilium"}, {"apps/v1", "Deployment", "cilium-operator"}, {"v1", "ConfigMap", "cilium-config"}},
	"linkerd-control-plane": {{"apps/v1", "Deployment", "linkerd-destination"}, {"apps/v1", "Deployment", "linkerd-identity"}, {"apps/v1", "Deployment", "linkerd-proxy-injector"}},
	"linkerd2-cni":          {{"apps/v1", "DaemonSet", "linkerd-cni"}},
	"consul":                {{"apps/v1", "StatefulSet", "consul-server"}, {"apps/v1", "Deployment", "consul-connect-injector"}},
	"gateway-helm":          {{"apps/v1", "Deployment", "envoy-gateway"}},
}

// chartObject is an object that the chart of a release makes.
type chartObject struct {
	release                           *ir.Release
	apiVersion, kind, namespace, name string
	plain                             string // the name without a revision: that stands for the object of each revision
}

// chartObjects are the objects of the releases that a patch may aim at.
func (l *lowering) chartObjects() []chartObject {
	var out []chartObject
	for i := range l.p.Releases {
		r := &l.p.Releases[i]
		for _, m := range charts[r.Chart] {
			name := strings.NewReplacer("{release}", r.Name, "{revision}", revisioned(r.Revision)).Replace(m.name)
			plain := strings.NewReplacer("{release}", r.Name, "{revision}", "").Replace(m.name)
			out = append(out, chartObject{r, m.apiVersion, m.kind, r.Namespace, name, plain})
			r.Objects = append(r.Objects, ir.ObjectRef{Kind: m.kind, Name: name})
		}
	}
	return out
}

// patches hands each patch to who makes its target.
func (l *lowering) patches() {
	if len(l.s.Patches) == 0 {
		return
	}
	objects := l.chartObjects()
	for i, x := range l.s.Patches {
		p := ir.Patch{Kind: x.Target.Kind, Name: x.Target.Name, Text: x.Patch, From: ir.From{site.Join("patches", site.Index(i))}}
		body, _ := x.Read()
		if body.Merge != nil {
			p.Text = named(x.Patch, "", x.Target.Kind, "", x.Target.Name)
		}
		for _, o := range objects {
			if o.kind != x.Target.Kind || o.name != x.Target.Name && o.plain != x.Target.Name {
				continue
			}
			p.Charts = true
			r := o.release
			c := ir.ChartPatch{APIVersion: o.apiVersion, Kind: o.kind, Namespace: o.namespace, Name: o.name, Text: x.Patch,
				Operations: body.Operations, Merge: body.Merge, From: append(slices.Clone(p.From), r.From...)}
			if body.Merge != nil {
				c.Text = named(x.Patch, o.apiVersion, o.kind, o.namespace, o.name)
				named, _ := site.Patch{Patch: c.Text}.Read()
				c.Merge = named.Merge
			}
			r.Patches = append(r.Patches, c)
		}
		l.p.Patches = append(l.p.Patches, p)
	}
}

// named is a strategic merge with the names of what it changes, where they are known: without them some readers would not
// know which object is meant, or take the patch for none.
func named(text, apiVersion, kind, namespace, name string) string {
	var doc yaml.Node
	if yaml.Unmarshal([]byte(text), &doc) != nil || len(doc.Content) == 0 {
		return text // the guards have refused it
	}
	root := doc.Content[0]
	meta := setKey(root, "metadata", &yaml.Node{Kind: yaml.MappingNode}, false)
	for _, f := range []struct {
		in         *yaml.Node
		key, value string
	}{{meta, "namespace", namespace}, {meta, "name", name}, {root, "kind", kind}, {root, "apiVersion", apiVersion}} {
		if f.value != "" {
			setKey(f.in, f.key, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: f.value}, true)
		}
	}
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if enc.Encode(&doc) != nil || enc.Close() != nil {
		return text
	}
	return out.String()
}

// setKey gives a key of a mapping a value, first of all where it is new, and returns what the key has then.
func setKey(n *yaml.Node, key string, value *yaml.Node, replace bool) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			if replace {
				n.Content[i+1] = value
			}
			return n.Content[i+1]
		}
	}
	n.Content = append([]*yaml.Node{{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, value}, n.Content...)
	return value
}
