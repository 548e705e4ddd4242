package main

// A crdFile is one file of CustomResourceDefinitions and where its content comes from.
type crdFile struct {
	File      string // in the directory of flag -crds; of a component of crdModules, the folder in its module
	Component string
	Release   string
	Channel   string
	Origin    string
	Licence   string
}

const (
	apache = "Apache-2.0"
	mpl    = "MPL-2.0"
)

// crdFiles lists what is derived from CRDs. One file a component and release: what derives from a component under
// another licence than the rest stays in files of its own.
var crdFiles = []crdFile{
	{"argo-cd-3.6.1.yaml", "argo-cd", "3.6.1", "", "github.com/argoproj/argo-cd v3.6.1, manifests/crds", apache},
	{"calico-3.32.1.yaml", "calico", "3.32.1", "", "github.com/projectcalico/calico v3.32.1, api/config/crd: BGPConfiguration, BGPFilter, BGPPeer, IPAMConfiguration, IPPool", apache},
	{"calico-enterprise.yaml", "calico-enterprise", "2026.8.21", "", "github.com/tigera/operator at 40788b9b6bef of 2026-08-21, pkg/imports/crds: enterprise/v3.projectcalico.org, operator", apache},
	{"cert-manager-1.21.2.yaml", "cert-manager", "1.21.2", "", "github.com/cert-manager/cert-manager v1.21.2, deploy/crds", apache},
	{"cilium-1.20.2.yaml", "cilium", "1.20.2", "", "github.com/cilium/cilium v1.20.2, pkg/k8s/apis/cilium.io/client/crds", apache},
	{"consul-k8s-2.0.3.yaml", "consul", "2.0.3", "", "github.com/hashicorp/consul-k8s v2.0.3, control-plane/config/crd/bases", mpl},
	{"charts/gateway-helm/charts/crds/crds/generated", "envoy-gateway", "1.8.3", "", "github.com/envoyproxy/gateway v1.8.3, charts/gateway-helm", apache},
	{"charts/gateway-helm/charts/crds/crds/generated", "envoy-gateway", "1.9.1", "", "github.com/envoyproxy/gateway v1.9.1, charts/gateway-helm", apache},
	{"external-secrets-2.9.0.yaml", "external-secrets", "2.9.0", "", "github.com/external-secrets/external-secrets v2.9.0, config/crds/bases", apache},
	{"flux.yaml", "flux", "2", "", "github.com/fluxcd kustomize-controller, source-controller, helm-controller, config/crd/bases", apache},
	{"frr-k8s-0.0.27.yaml", "frr-k8s", "0.0.27", "", "github.com/metallb/metallb chart 0.16.2, subchart frr-k8s 0.0.27", apache},
	{"gateway-api-experimental-1.2.1.yaml", "gateway-api", "1.2.1", "experimental", "sigs.k8s.io/gateway-api v1.2.1, config/crd/experimental", apache},
	{"gateway-api-experimental-1.5.1.yaml", "gateway-api", "1.5.1", "experimental", "sigs.k8s.io/gateway-api v1.5.1, config/crd/experimental", apache},
	{"gateway-api-experimental-1.6.3.yaml", "gateway-api", "1.6.3", "experimental", "sigs.k8s.io/gateway-api v1.6.3, config/crd/experimental", apache},
	{"gateway-api-standard-1.2.1.yaml", "gateway-api", "1.2.1", "standard", "sigs.k8s.io/gateway-api v1.2.1, config/crd/standard", apache},
	{"gateway-api-standard-1.4.1.yaml", "gateway-api", "1.4.1", "standard", "sigs.k8s.io/gateway-api v1.4.1, config/crd/standard", apache},
	{"gateway-api-standard-1.5.1.yaml", "gateway-api", "1.5.1", "standard", "sigs.k8s.io/gateway-api v1.5.1, config/crd/standard", apache},
	{"gateway-api-standard-1.6.3.yaml", "gateway-api", "1.6.3", "standard", "sigs.k8s.io/gateway-api v1.6.3, config/crd/standard", apache},
	{"gateway-api-standard-1.7.0.yaml", "gateway-api", "1.7.0", "standard", "sigs.k8s.io/gateway-api v1.7.0, config/crd/standard", apache},
	{"istio-1.30.3.yaml", "istio", "1.30.3", "", "github.com/istio/istio 1.30.3, manifests/charts/base/files/crd-all.gen.yaml", apache},
	{"istio-1.31.1.yaml", "istio", "1.31.1", "", "istio.io/api v1.31.1, kubernetes/customresourcedefinitions.gen.yaml", apache},
	{"linkerd-2.19.yaml", "linkerd", "2.19", "", "github.com/linkerd/linkerd2 edge-25.10.7, charts/linkerd-crds and multicluster", apache},
	{"linkerd-2.20.yaml", "linkerd", "2.20", "", "github.com/linkerd/linkerd2 version-2.20, charts/linkerd-crds and multicluster", apache},
	{"config/crd", "mcs-api", "0.5.2", "", "sigs.k8s.io/mcs-api v0.5.2, config/crd, as the operator of cilium/cilium v1.20.2 installs them", apache},
	{"metallb-0.16.2.yaml", "metallb", "0.16.2", "", "go.universe.tf/metallb v0.16.2, config/crd/bases", apache},
	{"openelb-0.6.0.yaml", "openelb", "0.6.0", "", "github.com/openelb/openelb v0.6.0, config/crd/bases", apache},
	{"prometheus-operator.yaml", "prometheus-operator", "0.93.0", "", "github.com/prometheus-operator/prometheus-operator v0.93.0", apache},
	{"trust-manager-0.24.0.yaml", "trust-manager", "0.24.0", "", "github.com/cert-manager/trust-manager v0.24.0, deploy/crds", apache},
}

// crdModules are components whose CRDs a Go module has.
var crdModules = map[string]string{"envoy-gateway": "github.com/envoyproxy/gateway", "mcs-api": "sigs.k8s.io/mcs-api"}

// kubernetesReleases are the releases whose own kinds are derived; each stands for its minor release.
var kubernetesReleases = []string{"1.34.3", "1.35.2", "1.36.3"}

// coreKinds are the kinds derived from Kubernetes' own OpenAPI, by the file that describes them.
var coreKinds = map[string][]string{
	"api__v1":                                {"ConfigMap", "LimitRange", "Namespace", "Node", "Pod", "ResourceQuota", "Secret", "Service", "ServiceAccount"},
	"apis__apps__v1":                         {"DaemonSet", "Deployment", "StatefulSet"},
	"apis__autoscaling__v2":                  {"HorizontalPodAutoscaler"},
	"apis__batch__v1":                        {"CronJob", "Job"},
	"apis__discovery.k8s.io__v1":             {"EndpointSlice"},
	"apis__networking.k8s.io__v1":            {"NetworkPolicy"},
	"apis__policy__v1":                       {"PodDisruptionBudget"},
	"apis__rbac.authorization.k8s.io__v1":    {"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"},
	"apis__scheduling.k8s.io__v1":            {"PriorityClass"},
	"apis__storage.k8s.io__v1":               {"StorageClass"},
	"apis__admissionregistration.k8s.io__v1": {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"},
}
