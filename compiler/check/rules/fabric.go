package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
)

// fabricRules are the rules about BGP and switches.
var fabricRules = []*check.Rule{
	BGPNumbers,
	UnknownRack,
	UnknownSpine,
	SpeakerClass,
	BGPTimers,
	SwitchNamedTwice,
	RouterIDTwice,
	ASNReserved, ASNDocumentation, ASNPublic, ASNInternal, ASNEndsSwapped, ASNOfSpine, ASNSharedByRacks,
	NodeASNWithoutSwitch, BGPSlowDetection, BGPHoldTooLong, SwitchTimers, BFDSlowerThanHold, BFDTooFast, BFDOutOfRange,
	BFDUnsupported, GracefulRestartUnsupported, GracefulRestartLocal, GracefulRestartUnproved, LargeCommunityUnsupported,
	KeepaliveUnsupported, UnnumberedUnsupported, BGPNoPassword, SessionSecretDeadlock, PeerFamily, TwoSpeakers, PodsAnnouncedByNobody,
	NativeRoutingUnannounced, AnnouncerExcluded, SpeakersNowhere, SpeakersOfNobody, BGPAnnouncesNothing, SwitchesWithoutBGP,
	HomingSwitches, SingleToRRack, SwitchVLAN, SwitchSilent, SwitchesDiffer, InterfaceName, RouterIDZero,
	SwitchWithoutUplinks, SpineWithoutLinks, SpinesDiffer, SingleUplink, SingleSpine, RacksApart, LinkSwitch,
	LinkMissing, LinkTwice, LinksIgnored, LinkSwitchSystem, LinkSubnets, MaxPathsSwitch, MaxPathsTooFew, CommunityWellKnown, CommunityTwice,
	RackListedTwice, AnnouncedPodsLength, AnnouncedPodsWithoutOutput,
	CalicoRelease, CalicoASN, CalicoRestarts, CalicoBFD, CalicoKeepalive, CalicoBlockSize, CalicoBlocks, CalicoUnnumbered, CalicoEncapsulation, CalicoSessionless,
	LinkUnnumberedSwitch, BFDInterfaceUnknown,
	SwitchACLNowhere, SwitchACLFamily, ResilientUnsupported,
}

// RouterIDTwice finds two switches with one router ID.
var RouterIDTwice = &check.Rule{
	ID: "MG1011", Name: "router-id-used-twice", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `two switches have one router ID

It tells speakers of one AS apart: a session between two that share it is refused, and of two routes that differ in
nothing else neither is preferred for good.
Source: RFC 6286, section 2.2.`,
	Run: func(p *check.Pass) {
		first := map[string]string{}
		see := func(id, path string) {
			if other, ok := first[id]; ok {
				p.Reportf(path+".routerID", "router ID %s is already that of another switch", id).Related(other+".routerID", "first used here").
					Hintf("an address of its own")
			} else if id != "" {
				first[id] = path
			}
		}
		for r := range routers(p.Site) {
			see(r.routerID, r.path)
		}
	},
}
