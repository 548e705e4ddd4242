package verify

// The rules of trees and objects. Those of the line formats stand beside their grammars.
const (
	ruleUnclaimed     = "MG9001"
	ruleManifest      = "MG9002"
	ruleYAML          = "MG9003"
	ruleNoSchema      = "MG9101"
	ruleSchema        = "MG9102"
	ruleMeta          = "MG9103"
	ruleDuplicate     = "MG9104"
	ruleService       = "MG9105"
	ruleWorkload      = "MG9106"
	ruleNetworkPolicy = "MG9107"
	ruleMetalLB       = "MG9108"
	ruleIstio         = "MG9109"
	ruleGatewayAPI    = "MG9110"
	ruleOpenELB       = "MG9117"
	ruleLinkerd       = "MG9125"
	ruleConsul        = "MG9128"
	ruleRegistry      = "MG9126"
	ruleNamespace     = "MG9301"
	ruleReference     = "MG9302"
	ruleNodeLabel     = "MG9303"
	ruleKustomization = "MG9401"
	ruleKustomize     = "MG9402"
	ruleStaged        = "MG9403"
	ruleValues        = "MG9501"
)

// A Rule is what a finding of this stage names.
type Rule struct {
	ID   string // "MG9102"
	Name string // "output-schema"
	Doc  string // one sentence: what holds for every tree
}

// Rules lists the rules of this stage, sorted by ID. Each says what holds for every tree that meshgen writes; none can
// be waived, because a breach is a fault of meshgen and not of a site.
func Rules() []Rule { return rules }

var rules = []Rule{
	{ruleUnclaimed, "output-unclaimed", "a verifier reads every file"},
	{ruleManifest, "output-manifest", "the manifest lists the files of the tree with their digests"},
	{ruleYAML, "output-yaml", "a YAML file means the same to every reader: no repeated key, alias, tag or ambiguous scalar"},
	{ruleNoSchema, "output-no-schema", "the kind of every object is served by a release that the site declares"},
	{ruleSchema, "output-schema", "an object holds against the schema of the declared release, without unknown fields"},
	{ruleMeta, "output-metadata", "names, namespaces, labels and annotations are such that the API server takes them"},
	{ruleDuplicate, "output-duplicate", "a tree holds an object once"},
	{ruleService, "output-service", "a Service is one that the API server takes"},
	{ruleWorkload, "output-workload", "pods, their selectors, budgets and scalers are such that the API server takes them"},
	{ruleNetworkPolicy, "output-network-policy", "a NetworkPolicy is one that the API server takes"},
	{ruleMetalLB, "output-metallb", "MetalLB's webhook takes its objects"},
	{ruleIstio, "output-istio", "istiod's webhook takes Istio's objects, and they have the effect that they show"},
	{ruleGatewayAPI, "output-gateway-api", "objects of the Gateway API are consistent in themselves"},
	{ruleAlerts, "output-alerts", "alert rules read metrics that their exporters have, and say severity, site and chapter of the runbook"},
	{ruleMonitors, "output-monitors", "a monitor finds targets, and the scraper may look for them, is let in and may read"},
	{ruleOpenELB, "output-openelb", "OpenELB takes its objects, and each speaker announces itself alone"},
	{ruleLinkerd, "output-linkerd", "Linkerd's chart makes nothing while it is rendered, each port of a pod is one Server's, and policies name what is there"},
	{ruleRegistry, "output-registry", "a closed site refers to no registry, repository or page outside it"},
	{ruleConsul, "output-consul", "Consul's chart makes no key, refuses whom nobody admits, and objects speak of services of the right protocol"},
	{ruleSysctl, "output-sysctl", "sysctl.d files hold settings that the kernel takes on a host"},
	{ruleModules, "output-modules", "modules-load.d and modprobe.d files are what kmod reads"},
	{ruleChrony, "output-chrony", "chrony.conf is what chronyd reads"},
	{ruleKubelet, "output-kubelet", "the kubelet's environment file makes it read its drop-ins"},
	{ruleInventory, "output-inventory", "the inventory is what Ansible reads and names the groups of the tree"},
	{ruleFRR, "output-frr", "FRR files hold statements that FRR knows, and names that they define"},
	{ruleEOS, "output-eos", "EOS files hold statements that EOS knows, and names that they define"},
	{ruleSessions, "output-sessions", "the two ends of each BGP session agree"},
	{rulePrefixes, "output-prefixes", "a switch admits exactly what its nodes announce"},
	{ruleHostForms, "output-host-forms", "the documents that carry host files, the playbook and options of k3s and rke2 are what their programs read"},
	{ruleNXOS, "output-nxos", "NX-OS files hold statements that NX-OS knows, and names that they define"},
	{ruleSONiC, "output-sonic", "SONiC files hold statements that its FRR knows, and CONFIG_DB has what they need"},
	{ruleNTPsec, "output-ntpsec", "ntp.conf and the options of its service are what NTPsec's ntpd reads, line by line"},
	{ruleHAProxy, "output-haproxy", "HAProxy's files hold statements that it knows, timeouts, and room for its connections"},
	{ruleKeepalived, "output-keepalived", "keepalived.conf holds one instance that follows HAProxy"},
	{ruleBalancers, "output-balancers", "balancers in front of the cluster agree with each other, and with the gateways that they lead to"},
	{ruleFlows, "output-flows", "the list of flows has every session, listener, source of time and connection that a policy admits, and opens single addresses to clients"},
	{ruleFirewall, "output-firewall", "a filter of edge nodes lets in every flow that leads to them, and nothing else"},
	{ruleSources, "output-source-addresses", "a machine gives the addresses that it has, to what the pods of egress gateways on it send"},
	{ruleNamespace, "output-namespace", "a namespace that is used is made by the tree or declared to exist"},
	{ruleReference, "output-reference", "what an object names exists in the tree or is declared"},
	{ruleNodeLabel, "output-node-label", "what selects nodes selects labels that a Node of the tree carries"},
	{ruleKustomization, "output-kustomization", "a kustomization lists each file of its folder once, and nothing else"},
	{ruleKustomize, "output-kustomize", "kustomize builds the site's overlay"},
	{ruleStaged, "output-staged", "an overlay for an incident or a step lifts all that refuses, and changes nothing besides"},
	{ruleValues, "output-chart-values", "chart values are keys that the chart reads"},
	{ruleSecrets, "output-secrets", "secrets.json lists every Secret that is read, who makes it and who reads it, and nothing else"},
	{ruleDocuments, "output-documents", "documents are whole, name what is in the tree, and leave out no address, session or Secret"},
	{rulePage, "output-page", "the site's page and pictures are well-formed, fetch and run nothing, and have every machine, switch, session and address"},
	{ruleDelivery, "output-delivery", "helmfile, script and Applications bring all of the tree, in one order, and take nothing away"},
	{ruleChecks, "output-checks", "the expected state is what the files of the tree bring about: sessions, paths, ranges, settings, sources of time, objects"},
	{ruleRunScript, "output-run-script", "the script that compares the expected state with the live one only reads"},
}

// ruleName returns the second name of a rule.
func ruleName(id string) string {
	for _, r := range rules {
		if r.ID == id {
			return r.Name
		}
	}
	return ""
}
