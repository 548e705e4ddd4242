package compiler

import "fmt"

// intentProbe is one thing that a site can ask of a mesh, with services of its own and values that stand nowhere else.
type intentProbe struct {
	name  string   // of the service that asks; findings about the intent have it in their path
	needs []string // rows of the matrix of capabilities, each of which must be met
	cue   string
	tells []string // values of which one must be in the output of a kind that has no entry in where

	// where says where the intent is found in the output, by kind of mesh; "istio" stands for both of its kinds, "*" for
	// all, and "policy" for those whose pod network enforces policies of Kubernetes, not its own. A place reads
	// "Kind namespace/name: path = value": a pattern for the object, then the keys down to the value, "*" for any. Every
	// place must be there.
	where map[string][]string

	// limit names, by kind of mesh, the rule that refuses the intent for the limit that its cell of the matrix names.
	limit map[string]string
}

// probe is an intent of a service that another one calls.
func probe(name, body string, needs ...string) intentProbe {
	return intentProbe{name: name, needs: needs, cue: asks("shop", name, body)}
}

// asks is the CUE text of a service and of its caller.
func asks(namespace, name, body string) string {
	return fmt.Sprintf("namespaces: %[1]s: services: {%[2]q: {%[3]s}, %[4]q: {ports: http: {port: 8080, protocol: \"http\"}, calls: [%[5]q]}}\n",
		namespace, name, body, name+"-caller", namespace+"/"+name)
}

func (p intentProbe) tell(values ...string) intentProbe { p.tells = values; return p }

func (p intentProbe) at(where map[string][]string) intentProbe { p.where = where; return p }

const httpPort = `ports: http: {port: 8080, protocol: "http"}`

var retryRows = []string{"retries.attempts", "retries.on", "retries.methods"}

// intentProbes are the intents of the language.
var intentProbes = []intentProbe{
	probe("told-host", httpPort+`, expose: [{gateway: "public", host: "tell.example.net"}]`, "expose.host").at(map[string][]string{
		"*": {"HTTPRoute */*: spec hostnames * = tell.example.net"},
	}),
	probe("told-path", httpPort+`, expose: [{gateway: "public", host: "www.example.net", path: "/tell-exposed"}]`, "expose.path").at(map[string][]string{
		"*": {"HTTPRoute */*: spec rules * matches * path value = /tell-exposed"},
	}),
	probe("told-call", httpPort, "calls").tell("told-call-caller").at(map[string][]string{
		"policy":  {"NetworkPolicy shop/*: spec ingress * from * podSelector matchLabels app.kubernetes.io/name = told-call-caller"},
		"istio":   {"AuthorizationPolicy shop/*: spec rules * from * source principals * = cluster.local/ns/shop/sa/told-call-caller"},
		"linkerd": {"MeshTLSAuthentication shop/told-call*: spec identityRefs * name = told-call-caller"},
		"cilium":  {"CiliumNetworkPolicy shop/service-told-call: spec ingress * fromEndpoints * matchLabels k8s:io.cilium.k8s.policy.serviceaccount = told-call-caller"},
		"none":    {},
	}),
	{
		name: "told-job", needs: []string{"calls"}, tells: []string{"told-job-caller"},
		cue: `namespaces: shop: services: {"told-job": ` + "{" + httpPort + `}, "told-job-caller": {workload: "Job", calls: ["shop/told-job"]}}` + "\n",
		where: map[string][]string{
			"policy":  {"NetworkPolicy shop/*: spec ingress * from * podSelector matchLabels app.kubernetes.io/name = told-job-caller"},
			"istio":   {"AuthorizationPolicy shop/*: spec rules * from * source principals * = cluster.local/ns/shop/sa/told-job-caller"},
			"linkerd": {"MeshTLSAuthentication shop/told-job*: spec identityRefs * name = told-job-caller"},
			"cilium":  {"CiliumNetworkPolicy shop/service-told-job: spec ingress * fromEndpoints * matchLabels k8s:io.cilium.k8s.policy.serviceaccount = told-job-caller"},
			"none":    {},
		},
	},
	probe("told-from", httpPort+`, allow: [{from: ["shop/told-from-caller"]}]`, "allow.from").tell("told-from-caller").at(map[string][]string{
		"policy":  {"NetworkPolicy shop/*: spec ingress * from * podSelector matchLabels app.kubernetes.io/name = told-from-caller"},
		"istio":   {"AuthorizationPolicy shop/*: spec rules * from * source principals * = cluster.local/ns/shop/sa/told-from-caller"},
		"linkerd": {"MeshTLSAuthentication shop/told-from*: spec identityRefs * name = told-from-caller"},
		"cilium":  {"CiliumNetworkPolicy shop/service-told-from: spec ingress * fromEndpoints * matchLabels k8s:io.cilium.k8s.policy.serviceaccount = told-from-caller"},
		"none":    {},
	}),
	probe("told-methods", httpPort+`, allow: [{from: ["shop/told-methods-caller"], methods: ["DELETE"]}]`, "allow.methods").tell("DELETE").at(map[string][]string{
		"istio":   {"AuthorizationPolicy shop/*: spec rules * to * operation methods * = DELETE"},
		"linkerd": {"HTTPRoute shop/told-methods*: spec rules * matches * method = DELETE"},
		"cilium":  {"CiliumNetworkPolicy shop/service-told-methods: spec ingress * toPorts * rules http * method = DELETE"},
	}),
	probe("told-paths", httpPort+`, allow: [{from: ["shop/told-paths-caller"], paths: ["/tell-allowed"]}]`, "allow.paths").tell("/tell-allowed").at(map[string][]string{
		"istio": {
			"AuthorizationPolicy shop/*: spec rules * to * operation paths * = /tell-allowed",
			"AuthorizationPolicy shop/*: spec rules * to * operation paths * = /tell-allowed/*",
		},
		"linkerd": {"HTTPRoute shop/told-paths*: spec rules * matches * path value = /tell-allowed"},
		"cilium":  {`CiliumNetworkPolicy shop/service-told-paths: spec ingress * toPorts * rules http * path = /tell-allowed(/[^?]*)?(\?.*)?`},
	}),
	{
		name: "told-split", needs: []string{"split.weight"}, tells: []string{"83"},
		cue: asks("shop", "told-split", httpPort+`, split: [{service: "told-split", weight: 83}, {service: "told-split-next", weight: 17}]`) +
			`namespaces: shop: services: "told-split-next": ` + httpPort + "\n",
		where: map[string][]string{
			"istio": {"VirtualService shop/told-split: spec http * route * weight = 83", "VirtualService shop/told-split: spec http * route * weight = 17"},
			// Without retries the waypoint takes the Gateway API.
			"istio-ambient": {"HTTPRoute shop/told-split: spec rules * backendRefs * weight = 83", "HTTPRoute shop/told-split: spec rules * backendRefs * weight = 17"},
			"linkerd":       {"HTTPRoute shop/told-split*: spec rules * backendRefs * weight = 83", "HTTPRoute shop/told-split*: spec rules * backendRefs * weight = 17"},
		},
	},
	probe("told-timeout", httpPort+`, timeout: "7300ms"`, "timeout").tell("7300ms", "7.3s").at(map[string][]string{
		"istio":         {"VirtualService shop/told-timeout: spec http * timeout = 7300ms"},
		"istio-ambient": {"HTTPRoute shop/told-timeout: spec rules * timeouts request = 7300ms"},
		"cilium":        {"HTTPRoute shop/told-timeout*: spec rules * timeouts request = 7300ms"},
		"linkerd":       {"HTTPRoute shop/told-timeout*: metadata annotations timeout.linkerd.io/request = 7300ms"},
	}),
	probe("told-attempts", httpPort+`, retries: {attempts: 3, on: ["gateway-error"], methods: ["OPTIONS"]}`, retryRows...).tell("OPTIONS").at(map[string][]string{
		"istio": {
			"VirtualService shop/told-attempts: spec http * retries attempts = 3",
			"VirtualService shop/told-attempts: spec http * retries retryOn = gateway-error",
			"VirtualService shop/told-attempts: spec http * match * method exact = OPTIONS",
		},
		"cilium": {
			"CiliumEnvoyConfig shop/told-attempts-calls: spec resources * virtual_hosts * routes * route retry_policy num_retries = 3",
			"CiliumEnvoyConfig shop/told-attempts-calls: spec resources * virtual_hosts * routes * route retry_policy retry_on = gateway-error",
			"CiliumEnvoyConfig shop/told-attempts-calls: spec resources * virtual_hosts * routes * match headers * string_match exact = OPTIONS",
		},
		"linkerd": {
			"HTTPRoute shop/told-attempts*: metadata annotations retry.linkerd.io/limit = 3",
			"HTTPRoute shop/told-attempts*: metadata annotations retry.linkerd.io/http = gateway-error",
			"HTTPRoute shop/told-attempts*: spec rules * matches * method = OPTIONS",
		},
	}),
	probe("told-try", httpPort+`, retries: {attempts: 1, perTryTimeout: "1700ms", on: ["gateway-error"], methods: ["GET"]}`,
		append([]string{"retries.perTryTimeout"}, retryRows...)...).tell("1700ms", "1.7s").at(map[string][]string{
		"istio":   {"VirtualService shop/told-try: spec http * retries perTryTimeout = 1700ms"},
		"cilium":  {"CiliumEnvoyConfig shop/told-try-calls: spec resources * virtual_hosts * routes * route retry_policy per_try_timeout = 1.7s"},
		"linkerd": {"HTTPRoute shop/told-try*: metadata annotations retry.linkerd.io/timeout = 1700ms"},
	}),
	probe("told-errors", httpPort+`, outlierDetection: consecutive5xx: 9173`, "outlierDetection.consecutive5xx").tell("9173").at(map[string][]string{
		"cilium":  {"CiliumEnvoyConfig shop/told-errors-calls: spec resources * outlier_detection consecutive_5xx = 9173"},
		"istio":   {"DestinationRule shop/told-errors: spec trafficPolicy outlierDetection consecutive5xxErrors = 9173"},
		"linkerd": {"Service shop/told-errors: metadata annotations balancer.linkerd.io/failure-accrual-consecutive-max-failures = 9173"},
	}),
	probe("told-interval", httpPort+`, outlierDetection: interval: "17s"`, "outlierDetection.interval", "outlierDetection.consecutive5xx").tell("17s").at(map[string][]string{
		"cilium": {"CiliumEnvoyConfig shop/told-interval-calls: spec resources * outlier_detection interval = 17s"},
		"istio":  {"DestinationRule shop/told-interval: spec trafficPolicy outlierDetection interval = 17s"},
	}),
	probe("told-ejection", httpPort+`, outlierDetection: baseEjectionTime: "43s"`, "outlierDetection.baseEjectionTime", "outlierDetection.consecutive5xx").tell("43s").at(map[string][]string{
		"cilium":  {"CiliumEnvoyConfig shop/told-ejection-calls: spec resources * outlier_detection base_ejection_time = 43s"},
		"istio":   {"DestinationRule shop/told-ejection: spec trafficPolicy outlierDetection baseEjectionTime = 43s"},
		"linkerd": {"Service shop/told-ejection: metadata annotations balancer.linkerd.io/failure-accrual-consecutive-min-penalty = 43s"},
	}),
	probe("told-percent", httpPort+`, outlierDetection: maxEjectionPercent: 37`, "outlierDetection.maxEjectionPercent", "outlierDetection.consecutive5xx").tell("37").at(map[string][]string{
		"cilium": {"CiliumEnvoyConfig shop/told-percent-calls: spec resources * outlier_detection max_ejection_percent = 37"},
		"istio":  {"DestinationRule shop/told-percent: spec trafficPolicy outlierDetection maxEjectionPercent = 37"},
	}),
	probe("told-rate", httpPort+`, rateLimit: requestsPerSecond: 13791`, "rateLimit.requestsPerSecond").tell("13791").at(map[string][]string{
		"cilium":  {"CiliumEnvoyConfig shop/told-rate-calls: spec resources * filter_chains * filters * typed_config http_filters * typed_config token_bucket max_tokens = 13791"},
		"istio":   {"EnvoyFilter shop/*: spec configPatches * patch value typed_config token_bucket max_tokens = 13791"},
		"linkerd": {"HTTPLocalRateLimitPolicy shop/told-rate*: spec total requestsPerSecond = 13791"},
	}),
	probe("told-token", httpPort+`, jwt: {issuer: "https://tell.example.org", audiences: ["tell-audience"], jwksURI: "https://tell.example.org/tell-keys"}`, "jwt").tell("https://tell.example.org").at(map[string][]string{
		"consul": {
			"JWTProvider shop/told-token: spec issuer = https://tell.example.org",
			"JWTProvider shop/told-token: spec audiences * = tell-audience",
			"JWTProvider shop/told-token: spec jsonWebKeySet remote uri = https://tell.example.org/tell-keys",
			"ServiceIntentions shop/told-token: spec jwt providers * name = told-token",
		},
		"istio": {
			"RequestAuthentication shop/told-token: spec jwtRules * issuer = https://tell.example.org",
			"RequestAuthentication shop/told-token: spec jwtRules * audiences * = tell-audience",
			"RequestAuthentication shop/told-token: spec jwtRules * jwksUri = https://tell.example.org/tell-keys",
			"AuthorizationPolicy shop/*: spec rules * from * source requestPrincipals * = https://tell.example.org/*",
		},
	}),
	{
		name: "told-fault", needs: []string{"fault.delay"}, tells: []string{"1300ms", "1.3s"},
		cue: asks("lab", "told-fault", httpPort+`, fault: {delay: {percent: 7, duration: "1300ms"}, until: "2027-01-31"}`),
		where: map[string][]string{
			"istio": {
				"VirtualService lab/told-fault: spec http * fault delay fixedDelay = 1300ms",
				"VirtualService lab/told-fault: spec http * fault delay percentage value = 7",
			},
		},
	},
	probe("told-stream", `ports: db: {port: 5477, protocol: "tcp"}`, "protocol.tcp").tell("5477").at(map[string][]string{
		"istio-sidecar": {
			"NetworkPolicy shop/*: spec ingress * ports * port = 5477",
			"AuthorizationPolicy shop/*: spec rules * to * operation ports * = 5477",
		},
		// On the wire it comes through the tunnel, which the policies of the network see.
		"istio-ambient": {"AuthorizationPolicy shop/*: spec rules * to * operation ports * = 5477"},
		"consul":        {"ServiceDefaults shop/told-stream: spec protocol = tcp", "NetworkPolicy shop/service-told-stream: spec ingress * ports * port = 20000"},
		"linkerd":       {"Server shop/told-stream*: spec port = 5477", "Server shop/told-stream*: spec proxyProtocol = opaque"},
		"none":          {"NetworkPolicy shop/*: spec ingress * ports * port = 5477"},
	}),
	{
		name: "told-machine", needs: []string{"workload.vm"}, tells: []string{"198.51.100.78"},
		cue: asks("shop", "told-machine", `workload: "VM", addresses: ["198.51.100.78"], ports: http: {port: 80, targetPort: 8078, protocol: "http"}`),
		where: map[string][]string{
			"policy":  {"NetworkPolicy */*: spec egress * to * ipBlock cidr = 198.51.100.78/32", "NetworkPolicy */*: spec egress * ports * port = 8078"},
			"consul":  {"Registration shop-told-machine-1: spec service address = 198.51.100.78", "TerminatingGateway consul/*: spec services * name = told-machine"},
			"istio":   {"WorkloadEntry shop/told-machine-1: spec address = 198.51.100.78", "Service shop/told-machine: spec ports * targetPort = 8078"},
			"linkerd": {"ExternalWorkload shop/told-machine-1: spec workloadIPs * ip = 198.51.100.78", "Server shop/told-machine*: spec externalWorkloadSelector matchLabels app.kubernetes.io/name = told-machine"},
			"cilium":  {"EndpointSlice shop/told-machine-1: endpoints * addresses * = 198.51.100.78", "CiliumNetworkPolicy shop/service-told-machine-caller: spec egress * toCIDR * = 198.51.100.78/32"},
			"none":    {"EndpointSlice shop/told-machine-1: endpoints * addresses * = 198.51.100.78"},
		},
	},
	{
		name: "told-outside", needs: []string{"egress"}, tells: []string{"198.51.100.77/32", "198.51.100.77"},
		cue: `external: bank: {addresses: ["198.51.100.77"], ports: tls: {port: 7443, protocol: "tls"}}
namespaces: shop: services: "told-outside": {` + httpPort + `, expose: [{gateway: "public", host: "out.example.net"}], egress: ["bank"]}` + "\n",
		where: map[string][]string{
			"policy":        {"NetworkPolicy */*: spec egress * to * ipBlock cidr = 198.51.100.77/32", "NetworkPolicy */*: spec egress * ports * port = 7443"},
			"consul":        {"ServiceDefaults consul/bank-tls: spec destination port = 7443", "TerminatingGateway consul/*: spec services * name = bank-tls"},
			"istio-sidecar": {"ServiceEntry shop/bank: spec ports * number = 7443"},
			"istio-ambient": {},
			"cilium":        {"CiliumNetworkPolicy shop/service-told-outside: spec egress * toCIDR * = 198.51.100.77/32", "CiliumNetworkPolicy shop/service-told-outside: spec egress * toPorts * ports * port = 7443"},
			"linkerd":       {"EgressNetwork shop/to-bank: spec networks * cidr = 198.51.100.77/32"},
			"none":          {},
		},
	},
	{
		// Past every gateway and every proxy of a mesh: a Service of its own, and a policy that admits its clients.
		name: "told-datagrams",
		cue: `exposures: "told-datagrams": {pool: "public", addresses: ["10.96.1.195"], service: "shop/told-datagrams", externalTrafficPolicy: "Cluster", ports: syslog: {port: 5514, protocol: "udp"}}
namespaces: shop: services: "told-datagrams": ports: syslog: {port: 5514, targetPort: 6514, protocol: "udp"}
`,
		where: map[string][]string{
			"*":      {"Service shop/told-datagrams-public: spec ports * protocol = UDP", "Service shop/told-datagrams-public: spec ports * targetPort = 6514"},
			"policy": {"NetworkPolicy shop/service-told-datagrams: spec ingress * ports * port = 6514"},
			"cilium": {"CiliumNetworkPolicy shop/service-told-datagrams: spec ingress * fromEntities * = world", "CiliumNetworkPolicy shop/service-told-datagrams: spec ingress * toPorts * ports * port = 6514"},
		},
	},
	{
		name: "told-plain", limit: map[string]string{"cilium": "MG5270"}, needs: []string{"mtls.permissive"}, tells: []string{"permissive"},
		cue: `namespaces: {"told-plain": {mtls: "permissive", services: "told-plain": {` + httpPort + `}}, plant: {mesh: false, services: poller: {` + httpPort + `, calls: ["told-plain/told-plain"]}}}` + "\n",
		where: map[string][]string{
			"policy":  {"NetworkPolicy told-plain/*: spec ingress * from * namespaceSelector matchLabels kubernetes.io/metadata.name = plant"},
			"istio":   {"PeerAuthentication told-plain/default: spec mtls mode = PERMISSIVE"},
			"linkerd": {"NetworkAuthentication told-plain/*: spec networks * cidr = 0.0.0.0/0"},
			"none":    {},
		},
	},
	{
		name: "told-strict", needs: []string{"mtls.strict"}, tells: []string{"strict"},
		cue: `namespaces: "told-strict": {mtls: "strict", services: "told-strict": {` + httpPort + `, expose: [{gateway: "public", host: "sealed.example.net"}]}}` + "\n",
		where: map[string][]string{
			"istio":   {"PeerAuthentication */default: spec mtls mode = STRICT"},
			"cilium":  {"values cilium: encryption strictMode ingress enabled = true"}, // between nodes: it knows no workloads
			"linkerd": {"values linkerd-control-plane: proxy defaultInboundPolicy = deny"},
			"none":    {},
		},
	},
}

// withoutMesh are the rows that a site without a mesh meets: by network policies and gateways.
var withoutMesh = []string{"expose.host", "expose.path", "calls", "allow.from", "protocol.tcp", "egress", "mtls.permissive", "workload.vm"}
