//go:build linux

package realapi

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"meshgen.dev/meshgen/compiler"
	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/load"
	"meshgen.dev/meshgen/compiler/verify"
)

// compiled returns the plan of an example: which nodes, namespaces and releases stand outside its tree.
func compiled(t *testing.T, site string) *compiler.Output {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../examples", site, "site.cue"))
	if err != nil {
		t.Fatal(err)
	}
	src, found := load.Bytes("site.cue", text)
	if src == nil {
		t.Fatal(found)
	}
	out, err := compiler.Compile(src, compiler.Options{Now: time.Date(2026, time.December, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil || out.Findings.HasErrors() {
		t.Fatal(err, out.Findings)
	}
	return out
}

// relied are the namespaces that the platform has before meshgen's output comes.
func relied(p *ir.Plan) []string {
	// Where the GitOps controllers look for their objects; no other file of a tree may stand there.
	out := []string{"argocd", "flux-system", p.CertManager.Namespace}
	if p.Scraper != nil {
		out = append(out, p.Scraper.Namespace)
	}
	if p.Mesh.Tracing != nil {
		out = append(out, p.Mesh.Tracing.Namespace)
	}
	if p.Calico != nil {
		out = append(out, p.Calico.Namespace)
	}
	for _, ns := range p.Namespaces { // made by the tree itself
		out = slices.DeleteFunc(out, func(name string) bool { return name == ns.Name || name == "" })
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// found makes the cluster what it is when meshgen's output comes: made by kubeadm, its nodes joined and ready, the
// platform's namespaces there.
func (c *client) found(p *ir.Plan) {
	c.t.Helper()
	for _, n := range p.Nodes {
		c.join(n)
	}
	c.create("kubeadm", map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"name": "kube-proxy", "namespace": "kube-system", "labels": map[string]string{"app": "kube-proxy"}},
		"data":     map[string]string{"config.conf": "kind: KubeProxyConfiguration\n", "kubeconfig.conf": "kind: Config\n"},
	})
	for _, name := range relied(p) {
		c.create("platform", map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]string{"name": name}})
	}
	if name := driver(p); name != "" {
		c.create("platform", map[string]any{"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": map[string]string{"name": name},
			"spec": map[string]any{"attachRequired": false, "podInfoOnMount": true, "fsGroupPolicy": "None", "volumeLifecycleModes": []string{"Ephemeral"}}})
	}
}

// driver is the driver of SPIRE's that pods of the mesh mount their volume by; "" for none.
func driver(p *ir.Plan) string {
	if ca := p.Mesh.CA; ca != nil && ca.SPIRE != nil {
		return ca.SPIRE.Driver
	}
	return ""
}

// join is a kubelet that registers with the taints of its configuration, kubeadm that marks a control plane, and the
// node controller that finds the node ready: the API server itself has tainted it when it came.
func (c *client) join(n ir.Node) {
	c.t.Helper()
	taints := []map[string]string{}
	labels := map[string]string{"kubernetes.io/hostname": n.Name, "kubernetes.io/os": "linux"}
	for _, t := range n.Taints {
		taints = append(taints, map[string]string{"key": t.Key, "value": t.Value, "effect": t.Effect})
	}
	if n.ControlPlane {
		taints = append(taints, map[string]string{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"})
		labels["node-role.kubernetes.io/control-plane"] = ""
	}
	c.create("kubelet", map[string]any{
		"apiVersion": "v1", "kind": "Node",
		"metadata": map[string]any{"name": n.Name, "labels": labels}, "spec": map[string]any{"taints": taints},
	})
	c.patchNode("kube-controller-manager", n.Name, map[string]any{"spec": map[string]any{"taints": taints}})
}

func (c *client) patchNode(manager, name string, patch any) {
	c.t.Helper()
	a := c.call(http.MethodPatch, "/api/v1/nodes/"+name+"?fieldManager="+manager, "application/merge-patch+json", asJSON(c.t, patch))
	if !a.ok() {
		c.t.Fatalf("node %s: %s", name, a.complaint())
	}
}

// releases is what the product's own checks are told about a site.
func releases(p *ir.Plan) verify.Releases {
	r := verify.Releases{
		Site: p.Name, Kubernetes: p.Cluster.Version,
		GatewayAPI: p.Cluster.GatewayAPI.Version, GatewayAPIChannel: p.Cluster.GatewayAPI.Channel,
		Components:         map[string]string{"cert-manager": p.CertManager.Version, "external-secrets": "", "prometheus-operator": ""},
		Charts:             map[string]verify.Chart{},
		NodePorts:          fmt.Sprintf("%d-%d", p.Cluster.NodePorts.First, p.Cluster.NodePorts.Last),
		ExternalNamespaces: append(relied(p), "kube-system", "default"),
	}
	for _, rel := range p.Releases {
		r.Components[rel.Component] = rel.Version
		r.Charts[rel.Name] = verify.Chart{Name: rel.Chart, Version: rel.Version, Namespace: rel.Namespace}
	}
	return r
}

// TestReleases holds upstream.txt to what the examples declare, and each "held" line of it to an example that needs it.
func TestReleases(t *testing.T) {
	up := upstream(t)
	// differs complains, unless the file names the site's tree as one that is held to another release.
	differs := func(site, component, declared, here string) {
		if key := site + " " + component; up.held[key] == declared {
			delete(up.held, key)
			return
		}
		t.Errorf("%s declares %s %s, what is here is %s", site, component, declared, here)
	}
	for _, site := range sites(t) {
		p := compiled(t, site).Plan
		if minor := minorOf(p.Cluster.Version); minor != minorOf(up.build.version) {
			differs(site, "kubernetes", p.Cluster.Version, up.build.version)
		}
		declared := map[string]string{"gateway-api": p.Cluster.GatewayAPI.Version, "cert-manager": p.CertManager.Version}
		for _, rel := range p.Releases {
			declared[rel.Component] = rel.Version
		}
		for _, m := range up.crds {
			// Some charts have the "v" in their version.
			if v := strings.TrimPrefix(declared[m.component], "v"); v != "" && "v"+v != m.version {
				differs(site, m.component, v, m.version)
			}
		}
	}
	for key, version := range up.held {
		t.Errorf("upstream.txt: held %s %s: the site declares no such release, or it is here", key, version)
	}
}

// minorOf is "1.35" of "v1.35.4".
func minorOf(version string) string {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}
