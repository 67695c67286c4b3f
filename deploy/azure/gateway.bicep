// The Application Gateway: ends TLS, with the rules of OWASP, and sends each host to its app.
param name string
param location string
param networkId string
param certificateSecretId string
param identityId string

@description('Domain and address of the environment of Container Apps, which is reached within the network only.')
param environmentDomain string
param environmentAddress string

@description('Each with name, host, backend (host name of an app), path of its health and the codes that are well.')
param sites array

var gatewayId = resourceId('Microsoft.Network/applicationGateways', name)

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = {
  name: environmentDomain
  location: 'global'
}

resource zoneLink 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = {
  parent: zone
  name: name
  location: 'global'
  properties: { registrationEnabled: false, virtualNetwork: { id: networkId } }
}

resource record 'Microsoft.Network/privateDnsZones/A@2024-06-01' = {
  parent: zone
  name: '*'
  properties: { ttl: 300, aRecords: [{ ipv4Address: environmentAddress }] }
}

resource publicAddress 'Microsoft.Network/publicIPAddresses@2024-05-01' = {
  name: name
  location: location
  sku: { name: 'Standard' }
  properties: { publicIPAllocationMethod: 'Static' }
}

resource firewall 'Microsoft.Network/ApplicationGatewayWebApplicationFirewallPolicies@2024-05-01' = {
  name: name
  location: location
  properties: {
    policySettings: { state: 'Enabled', mode: 'Prevention', requestBodyCheck: true, maxRequestBodySizeInKb: 2000 }
    managedRules: { managedRuleSets: [{ ruleSetType: 'OWASP', ruleSetVersion: '3.2' }] }
  }
}

resource gateway 'Microsoft.Network/applicationGateways@2024-05-01' = {
  name: name
  location: location
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identityId}': {} } }
  properties: {
    sku: { name: 'WAF_v2', tier: 'WAF_v2' }
    autoscaleConfiguration: { minCapacity: 0, maxCapacity: 4 }
    firewallPolicy: { id: firewall.id }
    sslPolicy: { policyType: 'Predefined', policyName: 'AppGwSslPolicy20220101S' }
    sslCertificates: [{ name: 'certificate', properties: { keyVaultSecretId: certificateSecretId } }]
    gatewayIPConfigurations: [{ name: 'gateway', properties: { subnet: { id: '${networkId}/subnets/gateway' } } }]
    frontendIPConfigurations: [{ name: 'public', properties: { publicIPAddress: { id: publicAddress.id } } }]
    frontendPorts: [
      { name: 'https', properties: { port: 443 } }
      { name: 'http', properties: { port: 80 } }
    ]
    backendAddressPools: [
      for site in sites: { name: site.name, properties: { backendAddresses: [{ fqdn: site.backend }] } }
    ]
    probes: [
      for site in sites: {
        name: site.name
        properties: {
          protocol: 'Http'
          host: site.backend
          path: site.path
          interval: 15
          timeout: 10
          unhealthyThreshold: 3
          match: { statusCodes: site.codes }
        }
      }
    ]
    backendHttpSettingsCollection: [
      for site in sites: {
        name: site.name
        properties: {
          port: 80
          protocol: 'Http'
          requestTimeout: 60
          // Container Apps find an app by its own host name
          pickHostNameFromBackendAddress: true
          probe: { id: '${gatewayId}/probes/${site.name}' }
        }
      }
    ]
    httpListeners: flatten([
      map(sites, site => {
        name: site.name
        properties: {
          frontendIPConfiguration: { id: '${gatewayId}/frontendIPConfigurations/public' }
          frontendPort: { id: '${gatewayId}/frontendPorts/https' }
          protocol: 'Https'
          hostName: site.host
          sslCertificate: { id: '${gatewayId}/sslCertificates/certificate' }
        }
      })
      map(sites, site => {
        name: '${site.name}-http'
        properties: {
          frontendIPConfiguration: { id: '${gatewayId}/frontendIPConfigurations/public' }
          frontendPort: { id: '${gatewayId}/frontendPorts/http' }
          protocol: 'Http'
          hostName: site.host
        }
      })
    ])
    redirectConfigurations: [
      for site in sites: {
        name: site.name
        properties: {
          redirectType: 'Permanent'
          targetListener: { id: '${gatewayId}/httpListeners/${site.name}' }
          includePath: true
          includeQueryString: true
        }
      }
    ]
    requestRoutingRules: flatten([
      map(range(0, length(sites)), index => {
        name: sites[index].name
        properties: {
          ruleType: 'Basic'
          priority: 100 + index
          httpListener: { id: '${gatewayId}/httpListeners/${sites[index].name}' }
          backendAddressPool: { id: '${gatewayId}/backendAddressPools/${sites[index].name}' }
          backendHttpSettings: { id: '${gatewayId}/backendHttpSettingsCollection/${sites[index].name}' }
        }
      })
      map(range(0, length(sites)), index => {
        name: '${sites[index].name}-http'
        properties: {
          ruleType: 'Basic'
          priority: 200 + index
          httpListener: { id: '${gatewayId}/httpListeners/${sites[index].name}-http' }
          redirectConfiguration: { id: '${gatewayId}/redirectConfigurations/${sites[index].name}' }
        }
      })
    ])
  }
}

output address string = publicAddress.properties.ipAddress
