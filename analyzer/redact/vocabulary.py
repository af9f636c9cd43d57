"""The words that stay: those of the protocol, and of what servers say. All others are taken for names.

Words are in small letters. A word that could be a person's, a firm's or a place's name does not belong here, whatever
servers say: one word too few costs a reason phrase, one too many a name. Where a name is meant by its place (the user
of a URI, a display name), none of them stays.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


METHODS = _words("ack bye cancel info invite message notify options prack publish refer register subscribe update")
HEADER_NAMES = _words("""
    a accept access agent alert allow allowed also asserted associated auth authenticate authentication
    authorization by call cause chain charging client compression contact content cseq custom data date direction
    disposition diversion early encoding encryption error event events expires ext extension family feature features
    flow forwards from function gateway geolocation gruu hash hide history id identity in index info initial join
    key language length limit location max media message method mime min mode music name network nonce number of
    organization origin p package party pass path permission phone port preference preferred priority privacy
    profile proxy public rack realm reason record refer referred reject remote replace replaces reply request
    require resource response retry route rseq se security send server service session sip state status sub subject
    subscription supported suppress tag target terminating timer timestamp to token trigger type unsupported update
    uri user vector verify version via visited volte wait warning with www x
""")
_SYNTAX = _words("""
    sip sips tel urn uuid sdp udp tcp tls ws wss sctp dtls tls-sctp http https digest basic bearer negotiate md5 md5sess
    sess sha sha256 sha512 akav1 akav2 auth int true false yes no utf utf8 z9hg4bk lr ob rport transport ttl maddr
    method methods user phone ip dialog comp sigcomp expires q tag branch received alias keep reg instance pub temp
    gruu path outbound timer 100rel replaces join norefersub eventlist tdialog precondition privacy histinfo
    histinfo answermode callerprefs recipient list invite message subscribe multiple refer from change resource
    priority sec agree ua control mediactl early session uas uac refresher application text plain xml html json
    multipart mixed related alternative isup qsig pidf reginfo simple summary watcherinfo rlmi cpim pkcs7 mime
    presence winfo conference keypress kpml telephone dialog cipid rls talk hold check sync ua profile vq rtcpxr
    im iscomposing octet stream image audio video gzip identity deflate compress en de fr es it pt ru ja zh
    active pending terminated deactivated probation rejected timeout giveup noresource invariant mon tue wed
    thu fri sat sun jan feb mar apr may jun jul aug sep oct nov dec gmt utc wsp gen nat fix contact dcs lmt
    3gpp gpp gprs utran eutran fdd tdd e nr wlan ieee tac cell utranfdd utrantdd cellid cgi access
    info ipsec 3gpp ealg alg prot mod spi c s port null des ede3 cbc aes hmac aka icsi iari ref mmtel ims g
    service psi callee caller automata class duplex mobility fixed mobile description sip description
    isfocus attendant voicemail events schemes extensions languages type actor principal msg taker full half receive
    send only personal business none id header critical emergency normal non urgent unknown anonymous invalid
    line rinstance x inst nc cnonce nonce realm opaque response username uri algorithm qop stale domain userhash
    gr rcv nat tgrp trunk context isub npdi rn cic cpc oli aai rcvinfo pn provider prid purr flow intent codec cnam
    charset nextnonce rspauth auts integrity protected interim cause sos loopback doors param
""")
_PHRASES = _words("""
    trying ringing call is being forwarded queued progress ok accepted no notification choices moved permanently
    temporarily use proxy alternative service services bad request unauthorized payment required forbidden not found
    allowed acceptable authentication timeout gone conditional failed entity too large long unsupported media uri
    scheme resource priority extension interval brief small location information unacceptable error referrer provide
    identity flow anonymity disallowed credentials first hop lacks unavailable leg transaction does exist loop
    detected many hops address incomplete ambiguous busy here terminated acceptable pending undecipherable security
    agreement internal server implemented gateway version supported everywhere decline anywhere unwanted rejected
    precondition failure message intelligent network wrong password username user name account device peer mismatch
    matching registration registrations registered register unregistered domain domains unknown invalid missing header
    value values digest nonce expired stale challenge check limit limits exceeded maximum minimum number of contacts
    contact bindings binding aor contacts reached reject retry later try again please wait after seconds second
    overload overloaded overflow congestion capacity maintenance out under temporary permanent database connection
    connect connected refused denied access acl policy blocked banned blacklisted suspended disabled deleted locked
    inactive active forked fork reply received sent no such response a an and or the to for by from in on at with
    without your you this that it has have had was were be been are is can cannot could may must should
    used using use new old another other already same different more than less most least all any some only one two
    auth authorize authorized authorization authenticating relaying relay forward route routes routing destination
    source local remote host network unreachable reachable administratively normal clearing unallocated
    subscriber absent completed elsewhere answered picked picture released release rejection reason details
    sip sdp q850 q text preemption spam likely risk spoofing loose strict secure session interval timer
    transport protocol udp tcp tls port handled handling handler process processing script malformed parse parsing
    syntax sequence cseq expires via tag branch method body content type length encoding compression supported
""")
PRODUCTS = _words("""
    asterisk pbx freeswitch kamailio opensips opensipstack openser ser sipp sipsak sipvicious friendly scanner baresip
    linphone linphonedesktop belle exosip exosip2 osip pjsua pjsua2 pjsip pjproject twinkle jssip sipjs
    zoiper bria counterpath xlite eyebeam jitsi microsip csipsimple blink sippy sofia mod drachtio rtpengine
    yealink snom grandstream polycom poly cisco spa aastra mitel gigaset fanvil htek panasonic avaya audiocodes sangoma
    patton obihai linksys fritz os ios android linux windows macos darwin ubuntu debian win32 win64 x86 x64 arm
    sdk version lib library build release rev git
""")
WORDS = METHODS | HEADER_NAMES | _SYNTAX | _PHRASES | PRODUCTS
NAMESAKES = _words("max may jan sun")
"""Of these words, those that are names of people too: they do not stay in what is said for people."""
LABELS = _words("""
    sip sips voip pbx ims www registrar proxy ua tel test asterisk kamailio opensips freeswitch localhost localdomain
    default invalid example anonymous unknown mnc mcc pub 3gppnetwork gruu in addr arpa ip6
""")
"""Labels of host names, and realms, that stay."""
TOP_LEVEL = _words("invalid local localdomain example test internal lan home arpa com net org int edu gov mil onion")
"""Last labels that stay: they tell what kind of name it is, and nobody's."""
TELLING_PARAMS = _words("""
    expires port rport ttl q reg-id lr nc cause index duration delta retry-after min max count version sigcomp-id
    refresher hdr-len ob text-len flow-timer charging se
""")
"""Parameters whose numbers are the protocol's."""
