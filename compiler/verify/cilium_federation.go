package verify

import (
	"net/netip"
	"slices"
	"strings"
)

// clusterMeshCertificates are the Secrets that the parts of Cluster Mesh mount, where the chart does not make them
// (templates/clustermesh-apiserver/deployment.yaml of Cilium 1.20.2).
var clusterMeshCertificates = []string{"admin", "local", "remote", "server"}

// policyCluster is the label by which policies know the cluster of a pod.
const policyCluster = "k8s:io.cilium.k8s.policy.cluster"

// clusterMeshValues returns the values of Cilium's chart where it joins the site with others, and its release.
func (p *pass) clusterMeshValues() (*values, Chart) {
	for _, name := range sortedKeys(p.releases.Charts) {
		chart, v := p.releases.Charts[name], p.values[name]
		if v != nil && chart.Name == "cilium" && get(v.value, "clustermesh", "useAPIServer") == true {
			return v, chart
		}
	}
	return nil, Chart{}
}

// clusterMeshSecrets are the certificates of Cluster Mesh.
func (p *pass) clusterMeshSecrets() (out []SecretRef) {
	v, chart := p.clusterMeshValues()
	if v == nil || get(v.value, "clustermesh", "apiserver", "tls", "auto", "enabled") != false {
		return nil
	}
	makers := p.secretMakers()
	for _, c := range clusterMeshCertificates {
		name := "clustermesh-apiserver-" + c + "-cert"
		out = append(out, SecretRef{Namespace: chart.Namespace, Name: name, Keys: []string{"ca.crt", "tls.crt", "tls.key"},
			By: "Deployment " + chart.Namespace + "/clustermesh-apiserver", MadeBy: makers[chart.Namespace+"/"+name], First: true})
	}
	return out
}

// checkClusterMesh holds the joined sites of the chart's values to each other and to the objects that name them.
func (p *pass) checkClusterMesh() {
	v, _ := p.clusterMeshValues()
	var peers []string
	if v != nil {
		peers = p.checkClusterValues(v)
	}
	for _, o := range p.objects {
		switch {
		case o.within != nil:
		case o.is("multicluster.x-k8s.io", "ServiceExport"):
			if v == nil || get(v.value, "clustermesh", "mcsapi", "enabled") != true {
				o.report(p, ruleReference, fieldPath{"metadata", "name"}, "nobody exports it: clustermesh.mcsapi of Cilium's chart is not enabled")
			}
			if !p.callsFromAway(o.namespace, o.name) {
				o.report(p, ruleReference, fieldPath{"metadata", "name"}, "no policy of namespace %s admits pods of another cluster to it", o.namespace)
			}
		case o.is(ciliumGroup, "CiliumNetworkPolicy"):
			for _, side := range []string{"ingress", "egress"} {
				for i, r := range list(o.value, "spec", side) {
					for _, s := range append(list(r, "fromEndpoints"), list(r, "toEndpoints")...) {
						if c := str(s, "matchLabels", policyCluster); c != "" && !slices.Contains(peers, c) {
							o.report(p, ruleReference, fieldPath{"spec", side}.at(i), "cluster %q is none that the chart's values join", c)
						}
					}
				}
			}
		}
	}
}

// callsFromAway reports whether a policy admits pods of another cluster to the pods of a service.
func (p *pass) callsFromAway(namespace, service string) bool {
	return slices.ContainsFunc(p.objects, func(o *object) bool {
		return o.is(ciliumGroup, "CiliumNetworkPolicy") && o.namespace == namespace && str(o.value, "spec", "endpointSelector", "matchLabels", "app.kubernetes.io/name") == service &&
			slices.ContainsFunc(list(o.value, "spec", "ingress"), func(r any) bool {
				return slices.ContainsFunc(list(r, "fromEndpoints"), func(s any) bool { return str(s, "matchLabels", policyCluster) != "" })
			})
	})
}

// checkClusterValues returns the names of the other clusters.
func (p *pass) checkClusterValues(v *values) (peers []string) {
	mesh, at := get(v.value, "clustermesh"), fieldPath{"clustermesh"}
	own := str(v.value, "cluster", "name")
	if id, ok := integer(v.value, "cluster", "id"); !ok || id < 1 || id > 255 {
		v.report(p, ruleValues, fieldPath{"cluster", "id"}, "%v is no number of a cluster: 1 to 255", get(v.value, "cluster", "id"))
	}
	if own == "" || len(own) > 32 || strings.ToLower(own) != own {
		v.report(p, ruleValues, fieldPath{"cluster", "name"}, "%q is no name of a cluster: at most 32 letters of lower case, digits and dashes", own)
	}
	if get(mesh, "config", "enabled") != true {
		v.report(p, ruleValues, at.to("config"), "the site is joined with none: clustermesh.config is not enabled")
	}
	if get(mesh, "policyDefaultLocalCluster") != true {
		v.report(p, ruleValues, at.to("policyDefaultLocalCluster"), "policies without the name of a cluster would admit pods of every one")
	}
	if auto := get(mesh, "apiserver", "tls", "auto"); get(auto, "enabled") != false {
		v.report(p, ruleValues, at.to("apiserver").to("tls").to("auto"), "the chart makes certificates of a root that no other site has")
	}
	if t := str(mesh, "apiserver", "service", "type"); t != "LoadBalancer" {
		v.report(p, ruleValues, at.to("apiserver").to("service").to("type"), "%q has no address that the other sites know", t)
	}
	if get(v.value, "egressGateway", "enabled") == true {
		v.report(p, ruleValues, fieldPath{"egressGateway"}, "Cilium has no egress gateways together with Cluster Mesh")
	}
	for i, c := range list(mesh, "config", "clusters") {
		name, here := str(c, "name"), at.to("config").to("clusters").at(i)
		if name == "" || name == own || slices.Contains(peers, name) {
			v.report(p, ruleValues, here, "%q is no name of another cluster", name)
		}
		if p.releases.Peers[name] == "" {
			v.report(p, ruleValues, here, "%q is none of the federation's sites", name)
		}
		if port, _ := integer(c, "port"); port != 2379 || len(strs(c, "ips")) == 0 {
			v.report(p, ruleValues, here, "there is no address with the port of clustermesh-apiserver, 2379")
		}
		for _, a := range strs(c, "ips") {
			if _, err := netip.ParseAddr(a); err != nil {
				v.report(p, ruleValues, here.to("ips"), "%q is no address", a)
			}
		}
		peers = append(peers, name)
	}
	if len(peers) != len(p.releases.Peers) {
		v.report(p, ruleValues, at.to("config").to("clusters"), "%d clusters, and the federation has %d other sites", len(peers), len(p.releases.Peers))
	}
	return peers
}
