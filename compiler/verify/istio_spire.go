package verify

import (
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"
)

// What SPIRE's driver and Istio's templates fix (istio/istio 1.31.0-rc.0 samples/security/spire/istio-spire-config.yaml,
// files/injection-template.yaml, pkg/security/security.go; spiffe/helm-charts-hardened spire-agent/values.yaml,
// socketAlternate.names; read 2026-11-21).
const (
	spireDriver = "csi.spiffe.io"
	spireVolume = "workload-socket"
	// What a proxy counts of its connections to the agent, before it makes a metric of it (tools/packaging/common/envoy_bootstrap.json).
	spireStatistic = "cluster.sds-grpc;.upstream_cx_active"
)

// spireSockets are the names of the agent's socket where the driver mounts it, but that of Istio's own.
var spireSockets = []string{"spire-agent.sock", "api.sock"}

// checkSPIRE checks that every proxy of a mesh for which SPIRE signs looks for its agent, and nowhere else: in pods with
// sidecars, in gateways of the chart, and in those that istiod deploys.
func (p *pass) checkSPIRE() {
	if !p.releases.SPIRE {
		return
	}
	for _, v := range p.istiods() {
		p.checkSPIRETemplate(v)
		file := fieldPath{"meshConfig", "defaultConfig", "proxyMetadata", "WORKLOAD_IDENTITY_SOCKET_FILE"}
		if got := str(v.value, file...); !slices.Contains(spireSockets, got) {
			v.report(p, ruleIstio, file, "%q is no name of the agent's socket that stops a proxy which does not find it", got)
		}
		exported := fieldPath{"meshConfig", "defaultConfig", "proxyStatsMatcher", "inclusionPrefixes"}
		if got := strs(v.value, exported...); !slices.Contains(got, spireStatistic) {
			v.report(p, ruleIstio, exported, "%q: alerts read %s, and no proxy exports it", got, spireStatistic)
		}
		deployed := fieldPath{"gatewayClasses", "istio", "deployment", "spec", "template", "spec", "volumes"}
		if !hasSPIREVolume(list(v.value, deployed...)) {
			v.report(p, ruleIstio, deployed, "gateways that istiod deploys do not get the agent's socket")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.values)) {
		at := fieldPath{"podAnnotations", "inject.istio.io/templates"}
		if v := p.values[name]; p.releases.Charts[name].Name == "gateway" && str(v.value, at...) != "gateway,spire" {
			v.report(p, ruleIstio, at, "%q: the gateway does not get the agent's socket", str(v.value, at...))
		}
	}
}

// checkSPIRETemplate reads the template that istiod puts over that of sidecars.
func (p *pass) checkSPIRETemplate(v *values) {
	used := fieldPath{"sidecarInjectorWebhook", "defaultTemplates"}
	if got := strs(v.value, used...); !slices.Equal(got, []string{"sidecar", "spire"}) {
		v.report(p, ruleIstio, used, "%q: pods with a sidecar do not get the agent's socket", got)
	}
	at := fieldPath{"sidecarInjectorWebhook", "templates", "spire"}
	var pod map[string]any
	if err := yaml.Unmarshal([]byte(str(v.value, at...)), &pod); err != nil {
		v.report(p, ruleIstio, at, "%v", err)
		return
	}
	spec, _ := pod["spec"].(map[string]any)
	if !hasSPIREVolume(list(spec, "volumes")) {
		v.report(p, ruleIstio, at, "it does not put the agent's socket into volume %s", spireVolume)
	}
	if len(pod) != 1 || len(spec) != 1 {
		v.report(p, ruleIstio, at, "it changes more than that volume")
	}
}

func hasSPIREVolume(volumes []any) bool {
	return slices.ContainsFunc(volumes, func(v any) bool {
		return str(v, "name") == spireVolume && str(v, "csi", "driver") == spireDriver && get(v, "csi", "readOnly") == true
	})
}
