package verify

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// podPorts are the named container ports that a PodMonitor may go by: istiod's deployment, and the proxy's container in
// the injection templates and the gateway chart of Istio 1.31, and its ztunnel; the agent of Cilium 1.20, where prometheus.enabled opens it.
var podPorts = map[string]int64{"http-monitoring": 15014, "http-envoy-prom": 15090, "prometheus": 9962, "ztunnel-stats": 15020,
	// Linkerd 2.20: charts/linkerd-control-plane/templates, containerPort of each admin server, and the proxy's own.
	"dest-admin": 9996, "ident-admin": 9990, "injector-admin": 9995, "policy-admin": 9990, "spval-admin": 9997, "linkerd-admin": 4191, "ctrl-admin": 9999}

// dialled is the replacement of the address by one with another port.
var dialled = regexp.MustCompile(`^\$1:(\d+)$`)

// checkMonitor checks that a monitor finds targets, that the scraper may look for them, is let in, and may read.
func (p *pass) checkMonitor(o *object) {
	spec := get(o.value, "spec")
	namespaces := strs(spec, "namespaceSelector", "matchNames")
	if len(namespaces) == 0 {
		o.report(p, ruleMonitors, fieldPath{"spec", "namespaceSelector"}, "no namespace is named: targets would be those of the monitor's own")
	}
	key := "podMetricsEndpoints"
	if o.kind == "ServiceMonitor" {
		key = "endpoints"
	}
	for i, e := range list(spec, key) {
		at := fieldPath{"spec", key}.at(i)
		number := p.checkMonitorPort(o, e, at, namespaces)
		if dial := dialledPort(e); dial != 0 {
			number = dial
		}
		if str(e, "scheme") == "https" && !p.bindsScraper("ClusterRoleBinding", "", o.namespace) {
			o.report(p, ruleMonitors, at.to("scheme"), "nothing lets a ServiceAccount of %s read /metrics: who serves it by HTTPS asks the API server", o.namespace)
		}
		for _, n := range namespaces {
			if !p.admitsScraper(n, o.namespace, number) {
				o.report(p, ruleMonitors, at, "the NetworkPolicies of %s do not admit %s to port %d", n, o.namespace, number)
			}
		}
	}
	for i, n := range namespaces {
		if !p.bindsScraper("RoleBinding", n, o.namespace) {
			o.report(p, ruleMonitors, fieldPath{"spec", "namespaceSelector", "matchNames"}.at(i), "nothing lets a ServiceAccount of %s list the pods of %s", o.namespace, n)
		}
	}
}

// checkMonitorPort returns the number of the named port of an endpoint.
func (p *pass) checkMonitorPort(o *object, e any, at fieldPath, namespaces []string) int64 {
	name := str(e, "port")
	if o.kind == "PodMonitor" {
		number := podPorts[name]
		if v, _ := p.consulValues(); v != nil && name == "prometheus" && !slices.Contains(namespaces, "kube-system") {
			number = consulMetrics
		} else if v != nil && name == "gateway" {
			number = consulTunnels
		}
		if number == 0 {
			number = p.workloadPort(namespaces, get(o.value, "spec", "selector"), name)
		}
		if number == 0 && name == "metrics" && slices.ContainsFunc(p.objects, func(o *object) bool { return o.kind == "EnvoyProxy" }) {
			number = 19001 // of Envoy Gateway's controller and proxies
		}
		if number == 0 {
			o.report(p, ruleMonitors, at.to("port"), "no container that the tree installs has a port %q", name)
		}
		return number
	}
	if !strings.HasPrefix(str(e, "bearerTokenFile"), "/") && str(e, "scheme") == "https" {
		o.report(p, ruleMonitors, at, "no token is shown")
	}
	selector := get(o.value, "spec", "selector")
	for _, s := range p.objects {
		if !s.is("", "Service") || !slices.Contains(namespaces, s.namespace) || !takes(selector, dict(s.value, "metadata", "labels")) {
			continue
		}
		for _, port := range list(s.value, "spec", "ports") {
			if str(port, "name") == name {
				n, _ := integer(port, "targetPort")
				return n
			}
		}
	}
	o.report(p, ruleMonitors, at.to("port"), "no Service that it selects has a port %q", name)
	return 0
}

// dialledPort returns the port that the relabelings of an endpoint put into the address, 0 for none.
func dialledPort(e any) int64 {
	for _, r := range list(e, "relabelings") {
		if m := dialled.FindStringSubmatch(str(r, "replacement")); m != nil && str(r, "targetLabel") == "__address__" {
			n, _ := strconv.ParseInt(m[1], 10, 64)
			return n
		}
	}
	return 0
}

// bindsScraper reports whether a binding of the kind, in the namespace, gives a role of the tree to a ServiceAccount of
// the scraper's namespace; in a RoleBinding one that lists pods, in a ClusterRoleBinding one that reads /metrics.
func (p *pass) bindsScraper(kind, namespace, scraper string) bool {
	const rbac = "rbac.authorization.k8s.io"
	for _, b := range p.objects {
		if !b.is(rbac, kind) || b.namespace != namespace {
			continue
		}
		role := p.find(rbac, "ClusterRole", "", str(b.value, "roleRef", "name"))
		if role == nil || !grants(role, kind) {
			continue
		}
		for _, s := range list(b.value, "subjects") {
			if str(s, "kind") == "ServiceAccount" && str(s, "namespace") == scraper {
				return true
			}
		}
	}
	return false
}

func grants(role *object, kind string) bool {
	for _, r := range list(role.value, "rules") {
		if kind == "RoleBinding" && slices.Contains(strs(r, "resources"), "pods") && slices.Contains(strs(r, "verbs"), "list") ||
			kind == "ClusterRoleBinding" && slices.Contains(strs(r, "nonResourceURLs"), "/metrics") {
			return true
		}
	}
	return false
}

// admitsScraper reports whether connections from a namespace to a port pass the policies of another that govern all of
// its pods. Those for single pods may admit more, never less.
func (p *pass) admitsScraper(namespace, scraper string, port int64) bool {
	governed := false
	for _, o := range p.objects {
		if !o.is("networking.k8s.io", "NetworkPolicy") || o.namespace != namespace {
			continue
		}
		governed = true
		for _, r := range list(o.value, "spec", "ingress") {
			if fromNamespace(r, scraper) && toPort(r, port) {
				return true
			}
		}
	}
	return !governed
}

func fromNamespace(rule any, namespace string) bool {
	for _, f := range list(rule, "from") {
		if str(f, "namespaceSelector", "matchLabels", "kubernetes.io/metadata.name") == namespace {
			return true
		}
	}
	return len(list(rule, "from")) == 0
}

func toPort(rule any, port int64) bool {
	for _, x := range list(rule, "ports") {
		if n, _ := integer(x, "port"); n == port {
			return true
		}
	}
	return false
}
