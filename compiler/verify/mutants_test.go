package verify

import (
	"strings"
	"testing"
)

// Files of the made-up site.
const (
	overlayDir    = "kubernetes/overlays/lab-1/"
	authzFile     = overlayDir + "40-policy/authorizationpolicy.yaml"
	netpolFile    = overlayDir + "40-policy/networkpolicy.yaml"
	serviceFile   = overlayDir + "30-gateways/service.yaml"
	probeFile     = overlayDir + "30-gateways/deployment.yaml"
	gatewayFile   = overlayDir + "30-gateways/gateway.yaml"
	eastFile      = overlayDir + "30-gateways/gatewayapi.yaml"
	paramsFile    = overlayDir + "30-gateways/configmap.yaml"
	certFile      = overlayDir + "30-gateways/certificate.yaml"
	vsFile        = overlayDir + "30-gateways/virtualservice.yaml"
	drFile        = overlayDir + "20-mesh/destinationrule.yaml"
	paFile        = overlayDir + "20-mesh/peerauthentication.yaml"
	seFile        = overlayDir + "20-mesh/serviceentry.yaml"
	sidecarFile   = overlayDir + "20-mesh/sidecar.yaml"
	telFile       = overlayDir + "20-mesh/telemetry.yaml"
	poolFile      = overlayDir + "10-load-balancer/ipaddresspool.yaml"
	peerFile      = overlayDir + "10-load-balancer/bgppeer.yaml"
	advFile       = overlayDir + "10-load-balancer/bgpadvertisement.yaml"
	nsFile        = overlayDir + "05-namespaces/namespace.yaml"
	nodeFile      = overlayDir + "00-nodes/node.yaml"
	proxyFile     = overlayDir + "00-nodes/configmap.yaml"
	topFile       = overlayDir + "kustomization.yaml"
	phaseFile     = overlayDir + "30-gateways/kustomization.yaml"
	istiodFile    = "charts/lab-1/istiod/values.yaml"
	publicFile    = "charts/lab-1/public/values.yaml"
	lbFile        = "charts/lab-1/metallb/values.yaml"
	secretsDoc    = "docs/lab-1/SECRETS.md"
	sessionsDoc   = "docs/lab-1/SESSIONS.md"
	northSouthDoc = "docs/lab-1/NORTH-SOUTH.md"
	contractFile  = "docs/lab-1/secrets.json"
	externalFile  = overlayDir + "07-secrets/externalsecret.yaml"
	dropInFile    = "hosts/lab-1/r1-edge/etc/kubernetes/kubelet.conf.d/90-meshgen.conf"
)

// Each mutant is one change to the made-up site that makes it wrong; want is part of a finding that must name it. An
// empty old puts new at the end of the file.
var mutants = []struct{ name, file, old, new, want string }{
	// what a real API server refuses and its schemas do not
	{"port 70000", serviceFile, "port: 443", "port: 70000", "MG9105 " + serviceFile + ":24: Service edge/probe: spec.ports[1].port: 70000 is no port"},
	{"misspelt policy", serviceFile, "externalTrafficPolicy: Local", "externalTrafficPolicy: Locall", `"Locall" is not one of Cluster, Local`},
	{"node port 8080", serviceFile, "nodePort: 30080", "nodePort: 8080", "8080 is outside of the cluster's node ports, 30000 to 32767"},
	{"bad name", paFile, "name: default", "name: 3s_Bad", `metadata.name: "3s_Bad" is no DNS subdomain`},
	{"bad label value", nsFile, "enforce: baseline", "enforce: base/line", "no value of a label"},
	{"selector against template", probeFile, "  selector:\n    matchLabels:\n      app: probe\n  template", "  selector:\n    matchLabels:\n      app: prob\n  template", "does not take the labels of its own template"},
	{"quantity", probeFile, "memory: 128Mi", "memory: 128MB2", `"128MB2" is no quantity`},
	{"sysctl name", probeFile, "net.ipv4.ip_local_port_range", "net..x", "no name of a sysctl"},
	{"budget with both", probeFile, "  minAvailable: 1", "  minAvailable: 1\n  maxUnavailable: 1", "exclude each other"},
	{"prefix /33", netpolFile, "10.0.0.0/8", "10.0.0.0/33", "no prefix"},
	{"port twice", seFile, "  ports:\n    - number: 443", "  ports:\n    - number: 443\n      name: more\n      protocol: TLS\n    - number: 443", "stands twice"},
	{"reversed pool", poolFile, "203.0.113.40-203.0.113.47", "203.0.113.47-203.0.113.40", "neither a prefix"},
	{"unknown field", drFile, "outlierDetection", "outlierDetecton", `unknown field (did you mean "outlierDetection"?)`},

	// schemas
	{"enum", paFile, "STRICT", "STRCT", `spec.mtls.mode: "STRCT" is not one of UNSET`},
	{"type", drFile, "maxEjectionPercent: 50", "maxEjectionPercent: half", "is a string, not an integer"},
	{"boolean", gatewayFile, "httpsRedirect: true", `httpsRedirect: "true"`, "is a string, not a boolean"},
	{"required", certFile, "  secretName: edge-tls\n", "", `required field "secretName" is missing`},
	{"unknown top field", paFile, "spec:", "speck:", "unknown field"},
	{"status", paFile, "spec:", "status: {}\nspec:", "unknown field"},
	{"server's metadata", paFile, "  name: default", "  name: default\n  uid: x", "metadata.uid: unknown field"},
	{"experimental field", eastFile, "      timeouts:\n", "      retry:\n        attempts: 2\n      timeouts:\n", "spec.rules[0].retry: unknown field"},
	{"version not served", eastFile, "v1\nkind: HTTPRoute", "v1alpha2\nkind: HTTPRoute", "gateway-api 1.6.3 standard does not serve gateway.networking.k8s.io/v1alpha2/HTTPRoute"},
	{"kind of nobody", paFile, "security.istio.io/v1", "security.example.io/v1", `no component that meshgen knows serves the group "security.example.io"`},
	{"undeclared component", paFile, "security.istio.io/v1\nkind: PeerAuthentication", "cilium.io/v2\nkind: CiliumNetworkPolicy", "the kind is of cilium, which the site does not declare"},
	{"alternatives", vsFile, "prefix: /v1/", "prefix: /v1/\n            exact: /v1", "alternatives"},
	{"kube-proxy", proxyFile, "maxPerCore", "maxPerCores", `unknown field (did you mean "maxPerCore"?)`},
	{"kube-proxy's line", proxyFile, "maxPerCore: 0", "maxPerCore: none", proxyFile + ":13: KubeProxyConfiguration in ConfigMap kube-system/kube-proxy: conntrack.maxPerCore"},
	{"kubelet drop-in", dropInFile, "", "maxPod: 3\n", `unknown field (did you mean "maxPods"?)`},
	{"part of a managed gateway", paramsFile, "replicas: 2", "replica: 2", `unknown field (did you mean "replicas"?)`},

	// YAML
	{"repeated key", paFile, "    mode: STRICT", "    mode: STRICT\n    mode: STRICT", "stands twice"},
	{"plain no", nsFile, "enforce: baseline", "enforce: no", "not quoted"},
	{"octal", nsFile, "enforce: baseline", "enforce: 0644", "not quoted"},
	{"alias", paFile, "  mtls:", "  mtls: &a", "anchor"},
	{"broken", paFile, "spec:\n", "spec: [\n", "MG9003 " + paFile},
	{"no kind", paFile, "kind: PeerAuthentication\n", "", "without apiVersion and kind"},

	// metadata
	{"no namespace", paFile, "  namespace: istio-system\n", "", "no namespace: the object would land"},
	{"namespace of a Node", nodeFile, "  name: edge3", "  name: edge3\n  namespace: edge", "belongs to no namespace"},
	{"pod security", nsFile, "enforce: baseline", "enforce: strong", `"strong" is not one of privileged, baseline, restricted`},
	{"two injections", nsFile, "    istio.io/rev: 1-31-1", "    istio.io/rev: 1-31-1\n    istio-injection: enabled", "exclude each other"},
	{"Service with a digit first", serviceFile, "  name: probe\n", "  name: 1probe\n", "no DNS label"},
	{"annotation key", serviceFile, "metallb.io/loadBalancerIPs", "metallb.io/load/IPs", "none of an annotation"},
	{"annotation that is a number", serviceFile, "203.0.113.12", "12", "not a string"},
	{"secret value", certFile, "", "---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n  namespace: edge\nstringData:\n  a: b\n", "a secret value"},
	{"object twice", paFile, "", "---\napiVersion: security.istio.io/v1beta1\nkind: PeerAuthentication\nmetadata:\n  name: default\n  namespace: istio-system\nspec: {}\n", "stands in the tree twice, first at " + paFile + ":2"},

	// Services and workloads
	{"ports without names", serviceFile, "    - name: https\n      port", "    - port", "no name, which a Service of several ports needs"},
	{"port twice in a Service", serviceFile, "port: 443", "port: 80", "stands twice"},
	{"target port", serviceFile, "targetPort: http", "targetPort: Http_8", "no name of a port"},
	{"class without load balancer", serviceFile, "type: LoadBalancer", "type: NodePort", "counts for type LoadBalancer only"},
	{"source range with host bits", serviceFile, "192.0.2.0/24", "192.0.2.1/24", "without host bits"},
	{"family policy", serviceFile, "SingleStack", "Single", "not one of SingleStack"},
	{"requests above limits", probeFile, "memory: 64Mi", "memory: 1Gi", "more than the limit"},
	{"host's sysctl", probeFile, "net.ipv4.ip_local_port_range", "vm.swappiness", "belongs to the host"},
	{"toleration", probeFile, "operator: Equal", "operator: Exist", "not one of Equal, Exists"},
	{"effect", probeFile, "effect: NoSchedule", "effect: NoScheduling", "not one of NoSchedule"},
	{"mount of nothing", probeFile, "- name: tmp\n              mountPath", "- name: temp\n              mountPath", "no volume is called"},
	{"spread", probeFile, "whenUnsatisfiable: DoNotSchedule", "whenUnsatisfiable: Never", "not one of DoNotSchedule"},
	{"autoscaler", probeFile, "minReplicas: 2", "minReplicas: 8", "more than maxReplicas"},

	// NetworkPolicy
	{"except outside", netpolFile, "10.1.0.0/16", "11.1.0.0/16", "not strictly inside"},
	{"reversed ports", netpolFile, "endPort: 30100", "endPort: 29000", "does not end a range"},
	{"rules without their type", netpolFile, "    - Egress\n", "", "policyTypes lacks Egress"},
	{"empty peer", netpolFile, "- ipBlock:\n            cidr: 10.0.0.0/8\n            except:\n              - 10.1.0.0/16", "- {}", "an empty peer"},
	{"operator", netpolFile, "operator: In", "operator: Within", "not one of In, NotIn"},

	// MetalLB
	{"overlap in a pool", poolFile, "    - 203.0.113.40-203.0.113.47", "    - 203.0.113.40-203.0.113.47\n    - 203.0.113.40/32", "overlaps"},
	{"host bits in a pool", poolFile, "203.0.113.0/27", "203.0.113.1/27", "neither a prefix"},
	{"hold of two seconds", peerFile, "peerAddress: 192.0.2.2\n  holdTime: 9s", "peerAddress: 192.0.2.2\n  holdTime: 2s", "at least 3s"},
	{"password in clear", peerFile, "peerAddress: 192.0.2.2\n", "peerAddress: 192.0.2.2\n  password: x\n", "a secret value"},
	{"no peer AS", peerFile, "  peerASN: 4200000011\n  peerAddress: 192.0.2.2\n", "  peerAddress: 192.0.2.2\n", "not exactly one of peerASN"},
	{"community", advFile, "65000:100", "65000:100000", "neither a community"},

	// Istio
	{"weights", vsFile, "weight: 10", "weight: 5", "the weights add up to 95, not 100"},
	{"duration", vsFile, "timeout: 5s", "timeout: 5", "spec.http[0].timeout"},
	{"try longer than timeout", vsFile, "perTryTimeout: 1s", "perTryTimeout: 9s", "longer than the timeout"},
	{"route behind one that takes all", vsFile, "    - name: api\n      match:\n        - uri:\n            prefix: /v1/\n", "    - name: api\n", "takes everything"},
	{"HTTPS without tls", gatewayFile, "      tls:\n        mode: SIMPLE\n        credentialName: edge-tls\n", "", "no tls for protocol HTTPS"},
	{"no certificate", gatewayFile, "        credentialName: edge-tls\n", "", "without a certificate"},
	{"protocol", gatewayFile, "protocol: HTTPS", "protocol: Https", "not one of HTTP"},
	{"nothing beside other hosts", sidecarFile, "        - ./*\n", "        - ./*\n        - ~/*\n", "stands beside other hosts"},
	{"host without namespace", sidecarFile, "- ./*", "- api.shop", "not namespace/host"},
	{"SPIFFE URL as principal", authzFile, "cluster.local/ns", "spiffe://cluster.local/ns", "not trust-domain/ns"},
	{"empty source", authzFile, "- source:\n            ipBlocks:\n              - 10.10.0.0/16", "- source: {}", "an empty source"},
	{"lower-case method", authzFile, "- GET", "- get", "not upper case"},
	{"path without slash", authzFile, "- /v1", "- v1", "begins neither"},
	{"DENY without rules", authzFile, "action: ALLOW\n  rules:", "action: DENY\n  rules: []\nx:", "refuses nothing"},
	{"port mTLS without selector", paFile, "    mode: STRICT", "    mode: STRICT\n  portLevelMtls:\n    \"80\":\n      mode: DISABLE", "needs a selector"},
	{"prefix resolved by DNS", seFile, "resolution: STATIC", "resolution: DNS", "resolution NONE and STATIC only"},
	{"percentage", telFile, "randomSamplingPercentage: 1", "randomSamplingPercentage: 101", "above 100"},

	// Gateway API
	{"no TLS in a listener", eastFile, "      tls:\n        mode: Terminate\n        certificateRefs:\n          - name: east-tls\n", "", "no tls for protocol HTTPS"},
	{"backend request longer", eastFile, "backendRequest: 1s", "backendRequest: 9s", "longer than the request's"},
	{"backend without port", eastFile, "          port: 8080\n", "", "without a port"},

	// references
	{"namespace of nobody", paFile, "namespace: istio-system", "namespace: istio-sytem", `namespace "istio-sytem" is neither made`},
	{"namespace in a selector", netpolFile, "metadata.name: edge", "metadata.name: egde", `namespace "egde"`},
	{"namespace in a principal", authzFile, "ns/edge/sa", "ns/egde/sa", `namespace "egde"`},
	{"namespace in a host", sidecarFile, "istio-system/*", "istio-sys/*", `namespace "istio-sys"`},
	{"BFD profile", peerFile, "peerAddress: 192.0.2.2\n  holdTime: 9s\n  keepaliveTime: 3s\n  bfdProfile: lab-1", "peerAddress: 192.0.2.2\n  holdTime: 9s\n  keepaliveTime: 3s\n  bfdProfile: lab", "no BFDProfile metallb-system/lab"},
	{"pool", advFile, "- partner", "- partners", "no IPAddressPool metallb-system/partners"},
	{"peer", advFile, "- r1-b", "- r1-d", "no BGPPeer metallb-system/r1-d"},
	{"all pools", advFile, "  ipAddressPools:\n    - partner\n", "", "would announce every pool"},
	{"Gateway of a route", vsFile, "edge/public", "edge/pubic", "no Gateway edge/pubic"},
	{"parameters", eastFile, "kind: ConfigMap\n      name: east", "kind: ConfigMap\n      name: west", "no ConfigMap edge/west"},
	{"parent", eastFile, "    - name: east\n      sectionName", "    - name: west\n      sectionName", "no Gateway edge/west"},
	{"listener", eastFile, "sectionName: https", "sectionName: tls", "has no listener"},
	{"provider", telFile, "name: otel", "name: otlp", `no provider "otlp"`},
	{"address outside of the pools", publicFile, "203.0.113.10", "203.0.113.200", "in no IPAddressPool"},
	{"address twice", serviceFile, "203.0.113.12", "203.0.113.10", "is that of"},
	{"revision of a namespace", nsFile, "name: shop\n  labels:\n    istio.io/rev: 1-31-1", "name: shop\n  labels:\n    istio.io/rev: 1-30-1", `no control plane has the revision "1-30-1"`},
	{"revision of a gateway", publicFile, "revision: 1-31-1", "revision: 1-30-1", "no control plane has the revision"},
	{"node selector", probeFile, "topologyKey: lab.example/rack", "topologyKey: lab.example/racks", `no Node of the tree has the label "lab.example/racks"`},
	{"node selector in values", lbFile, "lab.example/class: edge", "lab.example/class: edges", "no Node of the tree has lab.example/class=edges"},
	{"node selector in parameters", paramsFile, "lab.example/class: edge", "lab.example/role: edge", "no Node of the tree has"},

	{"pods of no gateway", gatewayFile, "istio: public", "istio: pubic", "takes the pods of no gateway"},
	{"parameters in a Secret", eastFile, "kind: ConfigMap", "kind: Secret", "from a ConfigMap and from nothing else"},
	{"class of nobody", publicFile, "metallb.io/metallb", "metallb.io/metalb", "no load balancer of the tree takes the class"},

	// the contract about Secrets
	{"Secret left out", contractFile, `"name": "east-tls"`, `"name": "west-tls"`, "does not list Secret edge/east-tls"},
	{"key left out", contractFile, `["password"]`, `["passwort"]`, `needs key "password"`},
	{"consumer left out", contractFile, `"BGPPeer metallb-system/r1-b", `, "", "is not among its consumers"},
	{"consumer that reads nothing", contractFile, `["Gateway edge/east"]`, `["Gateway edge/east", "Gateway edge/public"]`, "Gateway edge/public does not read it"},
	{"switch that reads nothing", contractFile, "switch leaf-a", "switch spine-1", "the file of switch spine-1 has no place for it"},
	{"creator without an object", contractFile, `"by hand"`, `"cert-manager"`, "no object of the tree is there for it"},
	{"creator with an object", contractFile, `"cert-manager"`, `"by hand"`, "and Certificate edge/edge makes it"},
	{"another issuer", contractFile, `"corporate"`, `"public"`, `of issuer "corporate"`},
	{"unknown field in the contract", contractFile, `"issuer"`, `"value"`, "not the JSON of a contract"},
	{"another site's contract", contractFile, `"site": "lab-1"`, `"site": "lab-2"`, `it names site "lab-2"`},
	{"no store", externalFile, "name: vault-lab", "name: vault", `is not ClusterSecretStore "vault-lab"`},
	{"type of the made Secret", externalFile, "type: kubernetes.io/basic-auth", "type: Opaque", `is not the type "kubernetes.io/basic-auth"`},
	{"key of the made Secret", externalFile, "secretKey: password", "secretKey: pass", "are not [password] of secrets.json"},
	{"key in the store", externalFile, "key: lab/metallb", "key: metallb", `secrets.json has "lab/metallb-system/bgp-session"`},
	{"value beside the store", externalFile, "      type: kubernetes.io/basic-auth", "      type: kubernetes.io/basic-auth\n      data:\n        password: x", "come from the store and from nowhere else"},
	{"another made Secret", externalFile, "    name: bgp-session", "    name: bgp-sessions", "does not list Secret metallb-system/bgp-sessions"},

	// documents
	{"open fence", secretsDoc, "07-secrets\n```", "07-secrets", "the fence is not closed"},
	{"dead link", secretsDoc, "(secrets.json)", "(secrets.yaml)", "leads nowhere"},
	{"dead path", secretsDoc, "lab-1/07-secrets", "lab-1/06-secrets", "there is no kubernetes/overlays/lab-1/06-secrets"},
	{"broken table", secretsDoc, "| by hand |", "| by | hand |", "a row of 5 cells in a table of 4 columns"},
	{"text of a template", secretsDoc, "See ", "{{.See}} ", "left over from printing"},
	{"backquote", secretsDoc, "`edge` |", "`edge |", "backquote is not closed"},
	{"head of a document", secretsDoc, "do not edit", "edit", "does not say where the file comes from"},
	{"Secret without a row", secretsDoc, "| `edge` | `east-tls`", "| `edge` | `west-tls`", "no row for Secret edge/east-tls"},
	{"address without a row", northSouthDoc, "203.0.113.12", "203.0.113.13", "no row for the address 203.0.113.12"},
	{"session without a row", sessionsDoc, "`edge2` | `leaf-b`", "`edge2` | `leaf-d`", "no row for the session between"},

	// kustomizations
	{"file that is not listed", phaseFile, "  - service.yaml\n", "", "does not list it"},
	{"file that does not exist", phaseFile, "- service.yaml", "- services.yaml", `"services.yaml" does not exist`},
	{"file listed twice", phaseFile, "- service.yaml", "- service.yaml\n  - service.yaml", "stands twice"},
	{"openapi", topFile, "resources:", "openapi:\n  path: x.json\nresources:", `field "openapi"`},
	{"phase left out", topFile, "  - 40-policy\n", "", "does not take this folder"},
	{"objects left out", topFile, "  - 40-policy\n", "", "kustomize builds"},
	{"patch of nothing", topFile, "resources:", "patches:\n  - target:\n      kind: Node\n    patch: |\n      - op: remove\n        path: /spec/none\nresources:", "kustomize build: "},
	{"phase twice", phaseFile, "resources:", "resources:\n  - ../40-policy", "takes \"kubernetes/overlays/lab-1/40-policy\" twice"},
	{"remote base", topFile, "- 40-policy", "- 40-policy\n  - https://example.com/x", "not in the tree"},

	// chart values
	{"unknown key", istiodFile, "autoscaleMin", "autoscaleMinimum", "unknown field"},
	{"unknown mesh setting", istiodFile, "outboundTrafficPolicy", "outboundTraficPolicy", `(did you mean "outboundTrafficPolicy"?)`},
	{"mesh enum", istiodFile, "REGISTRY_ONLY", "REGISTRY-ONLY", "not one of REGISTRY_ONLY"},
	{"unknown key of the gateway", publicFile, "loadBalancerClass", "loadbalancerClass", "unknown field"},
	{"wrong type for the chart", publicFile, "minReplicas: 2", "minReplicas: two", "not an integer"},
	{"unknown key of a subchart", lbFile, "  frrk8s:\n    tolerations", "  frrk8s:\n    toleration", `(did you mean "tolerations"?)`},
	{"budget without effect", publicFile, "minReplicas: 2", "minReplicas: 1", "has no effect"},
	{"quantity in values", istiodFile, "memory: 512Mi", "memory: 512MB", "no quantity"},
	{"policy in values", publicFile, "externalTrafficPolicy: Local", "externalTrafficPolicy: local", "not one of"},
}

func TestMutants(t *testing.T) {
	caught := 0
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			files := labFiles(t)
			text, ok := files[m.file]
			switch {
			case !ok:
				t.Fatalf("no file %s", m.file)
			case m.old == "":
				files[m.file] = text + m.new
			case strings.Count(text, m.old) == 0:
				t.Fatalf("%q does not stand in %s", m.old, m.file)
			default:
				files[m.file] = strings.Replace(text, m.old, m.new, 1)
			}
			_, found := Tree(treeOf(t, files), labReleases())
			var all []string
			for _, f := range found {
				if f.Name == "" || f.Path != "name" && !strings.Contains(f.Message, "does not exist") {
					t.Errorf("no rule or origin: %+v", f)
				}
				all = append(all, f.Rule+" "+f.Message)
				if strings.Contains(f.Rule+" "+f.Message, m.want) {
					caught++
					return
				}
			}
			t.Errorf("no finding says %q; all:\n%s", m.want, strings.Join(all, "\n"))
		})
	}
	t.Logf("%d of %d refused", caught, len(mutants))
}
