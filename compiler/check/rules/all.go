// Package rules is the catalogue: every rule that meshgen knows, by ID. A file holds the rules of one subject.
//
// IDs are given in blocks: MG0 structure, MG1 addresses and BGP, MG2 hosts and kernels, MG3 time, MG4 load balancer,
// MG5 mesh, MG6 gateways and egress, MG7 services and policy, MG8 delivery and upgrades, MG9 output and fleets. An ID is never
// given twice, also when its rule is gone.
package rules

import (
	"cmp"
	"iter"
	"maps"
	"slices"

	"meshgen.dev/meshgen/compiler/check"
)

// All is every rule in the order of IDs. Those of waivers run apart, in check.Waive. Each list stands with its rules.
var All = sorted(
	firewallRules, egressProxyRules,
	fleetRules, changeRules,
	linkerdRules, linkerdReleaseRules,
	ciliumRules, ciliumLabelRules, ciliumEncryptionRules, clusterMeshRules, upgradeStepRules, distributionRules,
	federationRules, ambientFederationRules, linkerdFederationRules, linkerdFlatRules, consulRules, vaultRules,
	languageRules, addressRules, fabricRules, hostRules, hostCardRules, hostDeliveryRules, timeRules, balancerRules, podNetworkRules, kubeVIPRules, openELBRules, meshRules, istioRules, istioNameRules, gatewayRules, serviceRules,
	deliveryRules, patchRules, fluxRules, versionRules, adviceRules, dashboardRules, wholeRules, nameRules,
)

func sorted(lists ...[]*check.Rule) []*check.Rule {
	all := slices.Concat(lists...)
	slices.SortFunc(all, func(a, b *check.Rule) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// byKey yields a map in the order of its keys, so that findings come in one order.
func byKey[V any](m map[string]V) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !yield(k, m[k]) {
				return
			}
		}
	}
}
