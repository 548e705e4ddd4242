package documents

import (
	"fmt"

	"meshgen.dev/meshgen/compiler/ir"
)

// served says what is behind the addresses of the site: proxies of nodes, which stay where a node is drained, or pods.
type served struct {
	ByNodes    bool        // the proxies of nodes serve some gateway
	ByPods     bool        // pods are behind some address: those of a gateway, or of services past every gateway
	PodGateway *ir.Gateway // one that has pods of its own; nil where none has
	Authority  bool        // the mesh signs for workloads
}

func servedOf(p *ir.Plan) served {
	s := served{ByPods: len(p.Gateways) == 0 || len(p.Exposures) > 0, Authority: signs(p)}
	for i := range p.Gateways {
		switch g := &p.Gateways[i]; {
		case !g.ByNodes:
			s.ByPods = true
			if s.PodGateway == nil {
				s.PodGateway = g
			}
		case g.Streams():
			s.ByPods = true
		default:
			s.ByNodes = true
		}
	}
	return s
}

// signs reports whether the mesh has an authority that gives workloads certificates: not the pod network's own, which
// encrypts between nodes, and not where there is no mesh.
func signs(p *ir.Plan) bool { return p.Mesh.Kind != "none" && p.Mesh.Kind != "cilium" }

// byNodes is what is said of a gateway without pods of its own: who serves it, as whom, and where its address is announced
// from. A proxy of a node is behind the address there whatever the Service's policy, and sees the client's address (Cilium
// 1.20.2, pkg/bgp/manager/reconciler/service.go, getLoadBalancerIPPaths). Streams pass none: for them the policy holds.
func byNodes(g *ir.Gateway, l2 bool, policy string) (by, identity, announced string) {
	comes := "its traffic comes to nodes of class " + code(g.Class) + " in racks " + codes(g.Racks)
	if g.Streams() {
		return "Pods: those of the services below; " + comes, "", policy
	}
	announced = "With either policy every node that may announce the address does, its proxy takes the connections, and the client's address is kept."
	if l2 {
		announced = "With either policy one node answers for the address, its proxy takes every connection, and the client's address is kept."
	}
	return "Pods: none. The proxy of each node serves it, DaemonSet " + code("kube-system/cilium-envoy") + "; " + comes,
		"Identity in the mesh: " + code("reserved:ingress") + ", that of all gateways", announced
}

// carried says who leads connections to the pods behind a Service.
type carried struct {
	Replaced    bool     // kube-proxy is not there
	ReplacedBy  []string // commands that show by whom
	ProxyPods   string   // selector of kube-proxy's pods; "" where it is a part of another program
	ConfigMap   bool     // kube-proxy reads ConfigMap kube-system/kube-proxy
	NetworkPods string   // selector of the pod network's agents; "" where they are no pods, or not known
}

// networkPods select the agents of a pod network: the manifests of the projects (Calico 3.31, flannel 0.27, Cilium 1.20).
var networkPods = map[string]string{"calico": "k8s-app=calico-node", "cilium": "k8s-app=cilium", "flannel": "app=flannel"}

// proxyPods select those of kube-proxy: a DaemonSet of kubeadm and Talos, static pods of RKE2. In k3s it is a part of the
// one process, as its flannel is (K3s documentation, Architecture; rancher/rke2 6ce1a80 pkg/podtemplate; 2026-11-21).
var proxyPods = map[string]string{"kubeadm": "k8s-app=kube-proxy", "talos": "k8s-app=kube-proxy", "rke2": "component=kube-proxy"}

func carriedOf(p *ir.Plan) carried {
	c := carried{Replaced: p.Cluster.KubeProxy.Mode == "replaced", NetworkPods: networkPods[p.Cluster.CNI.Kind],
		ProxyPods: proxyPods[p.Cluster.Distribution], ConfigMap: p.Cluster.Distribution == "kubeadm"}
	if c.ProxyPods == "" && p.Cluster.CNI.Kind == "flannel" {
		c.NetworkPods = ""
	}
	if c.Replaced && p.Cluster.CNI.Kind == "cilium" {
		c.ReplacedBy = []string{`kubectl -n kube-system get configmap cilium-config -o jsonpath='{.data.kube-proxy-replacement}{"\n"}'   # true`}
	}
	return c
}

// healthChecks ask each announcing node whether it has what serves a gateway: 200, else 503. Cilium counts the proxy of a
// node as such (pkg/loadbalancer/healthserver of 1.20.2).
func healthChecks(p *ir.Plan) []string {
	var out []string
	for _, g := range p.Gateways {
		if !g.Local {
			continue
		}
		right := "where it has a pod"
		if g.ByNodes && !g.Streams() {
			right = "on each: its proxy serves it"
		}
		out = append(out, fmt.Sprintf(`P=$(kubectl -n %s get service %s -o jsonpath='{.spec.healthCheckNodePort}'); each "$edge" "curl -s -o /dev/null -w '%%{http_code}\n' http://127.0.0.1:$P/healthz"   # %s: 200 %s, else 503`, g.Namespace, g.ServiceName(), g.Name, right))
	}
	return out
}

// consulTrust is the trust domain of every Consul: its servers make it of an identifier of their own (hashicorp/consul,
// agent/connect/uri_signing.go SpiffeIDSigningForCluster).
const consulTrust = "CLUSTER-ID.consul"

// identityOf is the name in the certificate of a gateway's pods, as its mesh writes it.
func identityOf(p *ir.Plan, g *ir.Gateway) string {
	switch {
	case p.Consul != nil && p.CrossesSites(g): // hashicorp/consul, agent/connect/uri_mesh_gateway.go
		return consulTrust + "/gateway/mesh/dc/" + p.Consul.Datacenter
	case p.Consul != nil: // agent/connect/uri_service.go: of a service, never of a ServiceAccount
		return consulTrust + "/ns/default/dc/" + p.Consul.Datacenter + "/svc/" + g.Release
	case p.Linkerd != nil:
		return g.ServiceAccount + "." + g.Namespace + ".serviceaccount.identity." + p.Mesh.Namespace + "." + p.Mesh.TrustDomain
	}
	return p.Mesh.TrustDomain + "/ns/" + g.Namespace + "/sa/" + g.ServiceAccount
}

// meshTLS says where TLS ends of what comes by a gateway that other sites reach: all of it is of the mesh's own certificates.
func meshTLS(mesh string) string {
	switch mesh {
	case "istio-ambient":
		return "at the gateway and, of the tunnel within, at the callee's node; certificates of the mesh"
	case "linkerd":
		return "at the gateway's proxy; certificates of the mesh"
	case "cilium":
		return "at the gateway, which asks clients for a certificate; those of Cluster Mesh"
	}
	return "at the callee's proxy, not here; certificates of the mesh" // Istio, Consul: led on by the name asked for
}
