package lower

// What Linkerd calls workloads in their certificates.

const spiffeScheme = "spiffe://"

// LinkerdIdentity is the name in the certificate of a ServiceAccount's pods. Trust domains are told apart by it; the namespace
// of the control plane is everywhere the same (linkerd/linkerd2 version-2.20 controller/identity/domain.go, Identity; read
// 2026-11-22).
func LinkerdIdentity(control, account, namespace, trustDomain string) string {
	return account + "." + namespace + ".serviceaccount.identity." + control + "." + trustDomain
}

// LinkerdController is the ServiceAccount of what watches a linked site.
func LinkerdController(site string) string { return "controller-" + site }

// LinkerdMachine is the name that callers of a service's machines ask for in TLS.
func LinkerdMachine(service, namespace, trustDomain string) string {
	return service + "." + namespace + ".vm." + trustDomain
}

// LinkerdMachineURI is the identity in the certificates of a service's machines.
func LinkerdMachineURI(account, namespace, trustDomain string) string {
	return spiffeScheme + machineIdentity(account, namespace, trustDomain)
}

// machineIdentity is LinkerdMachineURI as other identities are told.
func machineIdentity(account, namespace, trustDomain string) string {
	return trustDomain + "/ns/" + namespace + "/vm/" + account
}
