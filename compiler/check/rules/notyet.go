package rules

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// languageRules are the rules about what the language can say and nothing prints.
var languageRules = []*check.Rule{
	NotSupportedYet,
	ReleaseWithoutOutput,
}

// NotSupportedYet refuses what the language can say and no backend prints yet.
var NotSupportedYet = &check.Rule{
	ID: "MG0900", Name: "not-supported-yet", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the site uses a part of the language that has no output yet

Silence would be worse: the site would compile, and what it asks for would be missing on the metal.`,
	Run: notSupportedYet,
}

// unread is a place of the language that no backend reads, or reads for some values only.
type unread struct {
	path string   // "*" stands for one segment
	only []string // the values that are read; empty: none
}

// notYet lists them. A line leaves it together with the backend that reads it; the taint test finds both a line that
// is missing here and one that should be gone.
var notYet = []unread{
	{"kubernetes.distribution", []string{"kubeadm", "k3s", "rke2", "talos"}},
	{"kubernetes.cni.kind", []string{"calico", "cilium", "kube-router"}},
	{"kubernetes.apiServer.provider", []string{"external", "dns", "kube-vip"}},
	{"kubernetes.apiServer.hostname", nil},
	{"fabric.bgp.gracefulRestart", []string{"false"}},
	{"racks.*.homing", []string{"mlag", "active-backup", "single"}},
	{"racks.*.nodes.*.links", nil},
	{"racks.*.nodes.*.egressAddresses", nil},
	{"nodeClasses.*.networks", nil},
	{"time.daemon", []string{"chrony"}},
	{"time.isolation", nil},
	{"loadBalancer.kind", []string{"metallb", "cilium", "kube-vip", "external"}},
	{"mesh.kind", []string{"istio-sidecar"}},
	{"mesh.mtls", []string{"strict"}},
	{"mesh.trustDomainAliases", nil},
	{"mesh.ca", nil},
	{"mesh.upgrade", nil},
	{"mesh.proxy.holdApplicationUntilReady", []string{"false"}},
	{"mesh.controlPlane.pushThrottle", nil},
	{"mesh.waypoint", nil},
	{"mesh.egressPolicy", []string{"registry-only"}},
	{"gateways.*.purpose", []string{"ingress"}},
	{"gateways.*.implementation", nil},
	{"gateways.*.listeners.*.protocol", []string{"http", "https"}},
	{"gateways.*.listeners.*.tls.mode", []string{"terminate", "mutual"}},
	{"exposures", nil},
	{"egressGateways", nil},
	{"external.*.via", nil},
	{"namespaces.*.migration", nil},
	{"namespaces.*.waypoint", []string{"false"}},
	{"namespaces.*.services.*.workload", []string{"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"}},
	{"namespaces.*.services.*.addresses", nil},
	{"namespaces.*.services.*.ports.*.protocol", []string{"http", "https", "tls", "tcp", "grpc"}},
	{"namespaces.*.services.*.rateLimit", nil},
	{"namespaces.*.services.*.fault", nil},
	{"namespaces.*.services.*.jwt", nil},
	{"federation", nil},
	{"resilience", nil},
	{"changeBudget", nil},
	{"maintenance", nil},
	{"observability.dashboards", []string{"false"}},
	{"delivery.kind", []string{"kustomize", "argocd"}},
	{"delivery.hosts.*", []string{"files", "ansible", "cloud-init", "ignition", "talos"}},
	{"registry", nil},
	{"airGapped", []string{"false"}},
	{"patches", nil},
}

// name is what a finding calls the place: its last names, or all of them where no name of the user's stands between.
func (u unread) name() string {
	tail := u.path[strings.LastIndex(strings.TrimSuffix(u.path, ".*"), "*")+1:]
	return strings.TrimSuffix(strings.TrimPrefix(tail, "."), ".*")
}

func notSupportedYet(p *check.Pass) {
	for _, u := range notYet {
		visit(p.Values, strings.Split(u.path, "."), nil, func(path string, v any) {
			if empty(v) {
				return
			}
			text, scalar := scalarText(v)
			if slices.Contains(u.only, text) {
				return
			}
			if len(u.only) > 0 && scalar {
				p.Reportf(path, "not supported yet: %s %q", u.name(), text).Hintf("supported: %s", strings.Join(u.only, ", "))
			} else {
				p.Reportf(path, "not supported yet: %s", u.name())
			}
		})
	}
}

// visit calls found for each value of a decoded JSON document that lies at the pattern.
func visit(v any, pattern, at []string, found func(path string, v any)) {
	if len(pattern) == 0 {
		found(site.Join(at...), v)
		return
	}
	next := func(key string, child any) {
		visit(child, pattern[1:], append(at[:len(at):len(at)], key), found)
	}
	switch v := v.(type) {
	case map[string]any:
		if pattern[0] != "*" {
			if child, ok := v[pattern[0]]; ok {
				next(pattern[0], child)
			}
			return
		}
		for k, child := range byKey(v) {
			next(k, child)
		}
	case []any:
		if pattern[0] == "*" {
			for i, child := range v {
				next(site.Index(i), child)
			}
		}
	}
}

// empty reports whether a value says nothing: the default of a field that was not given.
func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case float64:
		return v == 0
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

func scalarText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		if v {
			return "true", true
		}
		return "false", true
	}
	return "", false
}
