/* snmp_names.c - names of notifications and objects of MIBs that many devices have. Source: SNMPv2-MIB (RFC 3418),
 * IF-MIB (RFC 2863), BGP4-MIB (RFC 4273), BRIDGE-MIB (RFC 4188), RMON-MIB (RFC 2819), ENTITY-MIB (RFC 6933), VRRP-MIB
 * (RFC 2787), UPS-MIB (RFC 1628), POWER-ETHERNET-MIB (RFC 3621), SNMP-COMMUNITY-MIB (RFC 3584), LLDP-MIB (IEEE
 * 802.1AB); Cisco's OLD-CISCO-SYS-MIB and CISCO-CONFIG-MAN-MIB; NET-SNMP-AGENT-MIB. */
#include "wire/snmp.h"

static const struct trap_row {
    const char *oid;
    const char *name;
} trap_rows[] = {
    {"1.3.6.1.6.3.1.1.5.1", "coldStart"},
    {"1.3.6.1.6.3.1.1.5.2", "warmStart"},
    {"1.3.6.1.6.3.1.1.5.3", "linkDown"},
    {"1.3.6.1.6.3.1.1.5.4", "linkUp"},
    {"1.3.6.1.6.3.1.1.5.5", "authenticationFailure"},
    {"1.3.6.1.6.3.1.1.5.6", "egpNeighborLoss"},
    {"1.3.6.1.2.1.15.7.1", "bgpEstablished"},
    {"1.3.6.1.2.1.15.7.2", "bgpBackwardTransition"},
    {"1.3.6.1.2.1.15.0.1", "bgpEstablishedNotification"},
    {"1.3.6.1.2.1.15.0.2", "bgpBackwardTransNotification"},
    {"1.3.6.1.2.1.16.0.1", "risingAlarm"},
    {"1.3.6.1.2.1.16.0.2", "fallingAlarm"},
    {"1.3.6.1.2.1.17.0.1", "newRoot"},
    {"1.3.6.1.2.1.17.0.2", "topologyChange"},
    {"1.3.6.1.2.1.33.2.1", "upsTrapOnBattery"},
    {"1.3.6.1.2.1.47.2.0.1", "entConfigChange"},
    {"1.3.6.1.2.1.68.0.1", "vrrpTrapNewMaster"},
    {"1.3.6.1.2.1.68.0.2", "vrrpTrapAuthFailure"},
    {"1.3.6.1.2.1.105.0.1", "pethPsePortOnOffNotification"},
    {"1.0.8802.1.1.2.0.0.1", "lldpRemTablesChange"},
    {"1.3.6.1.4.1.9.0.0", "reload"},
    {"1.3.6.1.4.1.9.9.43.2.0.1", "ciscoConfigManEvent"},
    {"1.3.6.1.4.1.9.9.43.2.0.2", "ccmCLIRunningConfigChanged"},
    {"1.3.6.1.4.1.8072.4.0.1", "nsNotifyStart"},
    {"1.3.6.1.4.1.8072.4.0.2", "nsNotifyShutdown"},
    {"1.3.6.1.4.1.8072.4.0.3", "nsNotifyRestart"},
};

static const struct snmp_object object_rows[] = {
    {"sysUpTime", STR_INIT("1.3.6.1.2.1.1.3"), SNMP_AS_IT_IS},
    {"sysName", STR_INIT("1.3.6.1.2.1.1.5"), SNMP_AS_IT_IS},
    {"ifIndex", STR_INIT("1.3.6.1.2.1.2.2.1.1"), SNMP_AS_IT_IS},
    {"ifDescr", STR_INIT("1.3.6.1.2.1.2.2.1.2"), SNMP_AS_IT_IS},
    {"ifType", STR_INIT("1.3.6.1.2.1.2.2.1.3"), SNMP_AS_IT_IS},
    {"ifAdminStatus", STR_INIT("1.3.6.1.2.1.2.2.1.7"), SNMP_AS_IT_IS},
    {"ifOperStatus", STR_INIT("1.3.6.1.2.1.2.2.1.8"), SNMP_AS_IT_IS},
    {"ifName", STR_INIT("1.3.6.1.2.1.31.1.1.1.1"), SNMP_AS_IT_IS},
    {"ifAlias", STR_INIT("1.3.6.1.2.1.31.1.1.1.18"), SNMP_AS_IT_IS},
    {"bgpPeerLastError", STR_INIT("1.3.6.1.2.1.15.3.1.14"), SNMP_AS_IT_IS},
    {"bgpPeerState", STR_INIT("1.3.6.1.2.1.15.3.1.2"), SNMP_AS_IT_IS},
    {"bgpPeerRemoteAddr", STR_INIT("1.3.6.1.2.1.15.3.1.7"), SNMP_AS_IT_IS},
    {"authAddr", STR_INIT("1.3.6.1.4.1.9.2.1.5"), SNMP_AS_IT_IS},
    {"ccmHistoryEventCommandSource", STR_INIT("1.3.6.1.4.1.9.9.43.1.1.6.1.3"), SNMP_AS_IT_IS},
    {"ccmHistoryEventConfigSource", STR_INIT("1.3.6.1.4.1.9.9.43.1.1.6.1.4"), SNMP_AS_IT_IS},
    {"ccmHistoryEventConfigDestination", STR_INIT("1.3.6.1.4.1.9.9.43.1.1.6.1.5"), SNMP_AS_IT_IS},
    {"ccmHistoryEventTerminalUser", STR_INIT("1.3.6.1.4.1.9.9.43.1.1.6.1.8"), SNMP_AS_IT_IS},
    {"cExtSnmpTargetAuthInetAddr", STR_INIT("1.3.6.1.4.1.9.9.412.1.1.2"), SNMP_ADDRESS},
    {"snmpTrapEnterprise", STR_INIT("1.3.6.1.6.3.1.1.4.3"), SNMP_AS_IT_IS},
    {"snmpTrapAddress", STR_INIT("1.3.6.1.6.3.18.1.3"), SNMP_AS_IT_IS},
    {"snmpTrapCommunity", STR_INIT("1.3.6.1.6.3.18.1.4"), SNMP_SECRET},
};

_Static_assert(ARRAY_LEN(object_rows) <= SNMP_OBJECTS_MAX, "a bit for each");

const char *snmp_trap_name(struct str oid)
{
    for (size_t i = 0; i < ARRAY_LEN(trap_rows); i++)
        if (str_is(oid, trap_rows[i].oid))
            return trap_rows[i].name;
    return NULL;
}

const struct snmp_object *snmp_object_find(struct str oid)
{
    for (size_t i = 0; i < ARRAY_LEN(object_rows); i++) {
        const struct snmp_object *row = &object_rows[i];
        if (str_starts(oid, row->prefix) && (oid.n == row->prefix.n || oid.p[row->prefix.n] == '.'))
            return row;
    }
    return NULL;
}

size_t snmp_object_place(const struct snmp_object *object)
{
    return (size_t)(object - object_rows);
}
