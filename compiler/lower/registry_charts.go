package lower

// chartImages are the values by which a chart takes its images from elsewhere.
type chartImages struct {
	images []chartImage
	host   string // value that takes the place of the registry's name in all images; "": there is none
	pull   string // value that takes names of Secrets; "": the chart has no pods
	named  bool   // each as "name: …"
}

// envoyImage is that of Envoy Gateway's proxies, whose tag the controller knows (api/v1alpha1/shared_types.go of 1.8.3 and 1.9.1). The chart's
// value for the registry does not reach it.
const envoyImage = "docker.io/envoyproxy/envoy"

type chartImage struct{ key, image string }

// registryCharts are read from the values of each chart, in the release whose keys package schemas has: Istio 1.31.0
// manifests/charts, MetalLB 0.16.2 charts/metallb with frr-k8s 0.0.27, Cilium 1.20.2 install/kubernetes/cilium, Envoy Gateway 1.8.3 and
// 1.9.1 charts, Linkerd edge-26.6.3 charts, OpenELB 0.6.0 charts; all on 2026-11-21. Istio's registry is global.hub, which the values have anyway.
var registryCharts = map[string]chartImages{
	"base":                   {},
	"istiod":                 {pull: "global.imagePullSecrets"},
	"cert-manager-istio-csr": {pull: "imagePullSecrets", named: true, images: []chartImage{{"image.repository", "quay.io/jetstack/cert-manager-istio-csr"}}},
	"cni":                    {pull: "global.imagePullSecrets"},
	"ztunnel":                {pull: "imagePullSecrets"},
	"gateway":                {pull: "imagePullSecrets", named: true},
	"gateway-crds-helm":      {},
	"gateway-helm":           {host: "global.imageRegistry", pull: "global.imagePullSecrets", named: true, images: []chartImage{{"", "docker.io/envoyproxy/gateway"}, {"", envoyImage}}},
	"linkerd-crds":           {},
	"openelb": {host: "global.imageRegistry", images: []chartImage{ // none of its templates has a place for pull Secrets; a rule says so
		{"", "docker.io/kubesphere/openelb-controller"}, {"", "docker.io/kubesphere/openelb-speaker"}, {"", "docker.io/kubesphere/kube-webhook-certgen"}}},
	"linkerd2-cni": {pull: "imagePullSecrets", named: true, images: []chartImage{{"image.name", "cr.l5d.io/linkerd/cni-plugin"}}},
	"linkerd-control-plane": {pull: "imagePullSecrets", named: true, images: []chartImage{
		{"controllerImage", "cr.l5d.io/linkerd/controller"}, {"debugContainer.image.name", "cr.l5d.io/linkerd/debug"}, {"proxy.image.name", "cr.l5d.io/linkerd/proxy"}}},
	"linkerd-multicluster": {pull: "imagePullSecrets", named: true, images: []chartImage{
		{"controllerDefaults.image.name", "cr.l5d.io/linkerd/controller"}, {"localServiceMirror.image.name", "cr.l5d.io/linkerd/controller"}}},
	"metallb": {pull: "imagePullSecrets", named: true, images: []chartImage{
		{"controller.image.repository", "quay.io/metallb/controller"}, {"speaker.image.repository", "quay.io/metallb/speaker"},
		{"speaker.frr.image.repository", "quay.io/frrouting/frr"}, {"frr-k8s.frrk8s.image.repository", "quay.io/metallb/frr-k8s"},
		{"frr-k8s.frrk8s.frr.image.repository", "quay.io/frrouting/frr"}}},
	"cilium": {pull: "imagePullSecrets", named: true, images: []chartImage{
		{"image.repository", "quay.io/cilium/cilium"}, {"operator.image.repository", "quay.io/cilium/operator"}, {"envoy.image.repository", "quay.io/cilium/cilium-envoy"},
		{"certgen.image.repository", "quay.io/cilium/certgen"}, {"hubble.relay.image.repository", "quay.io/cilium/hubble-relay"}}},
	ciliumPreflight: {pull: "imagePullSecrets", named: true, images: []chartImage{ // the same chart, for the first step of an upgrade
		{"preflight.image.repository", "quay.io/cilium/cilium"}, {"preflight.envoy.image.repository", "quay.io/cilium/cilium-envoy"}}},
}
