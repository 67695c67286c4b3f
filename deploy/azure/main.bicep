// The services in Azure: Container Apps, Azure Database for PostgreSQL, Application Gateway (docs/deploy/azure.md).
// Commands, ports, probes, limits and settings are read from deploy/services.json. S3 and SQS stay in AWS.
targetScope = 'resourceGroup'

@description('Prefix of all names.')
@minLength(3)
@maxLength(20)
param name string = 'reviewlens'

param location string = resourceGroup().location

@description('The image of all services, with its digest.')
param image string

param proxyImage string = 'nginxinc/nginx-unprivileged:1.28-alpine@sha256:7377697a821c131a924a7105fafbe7414db4e9fcc77a6f08f776f33f141ec3f8'

@description('Host names of the API and of the page; the certificate is for both.')
param apiHost string
param pageHost string

@description('Secret of a Key Vault with the certificate, without a version.')
param certificateSecretId string

@description('Identity that may read that secret.')
param gatewayIdentityId string

@description('Parameters of docker-compose.prod.yml: names of resources in AWS, never secrets.')
param parameters object

@description('Administrator of the database, a group or user of Entra; for people, not for services.')
param databaseAdministrator object

@secure()
param databasePassword string

@secure()
@description('Contents of the files of docker-compose.prod.yml, by the names of its secrets; without database.')
param secrets object

@description('Whether the database has a standby in another zone.')
param highAvailability bool = false

var document = loadJsonContent('../services.json')
var services = document.services
var proxyFiles = {
  'nginx.conf': loadTextContent('../pod/nginx.conf')
  'keys.conf': loadTextContent('../compose/keys.conf')
  'access.conf': loadTextContent('../compose/access.conf')
}
// The gateway asks the page by the name of its app.
var pageHosts = '${pageHost},${name}-page.${environment.properties.defaultDomain}'
var databaseName = 'reviewlens'
var databaseUser = 'reviewlens'

// One instance has the proxy and all APIs but training, which has no torch here.
var apiNames = ['proxy', 'collection', 'inference', 'insights', 'processing', 'retrieval']
var apps = [
  { name: 'api', containers: apiNames, port: services.proxy.port, least: 1, most: 10 }
  { name: 'worker', containers: ['worker'], port: services.worker.port, least: 1, most: 1 }
  // a visitor's session is in the memory of one instance
  { name: 'page', containers: ['frontend'], port: services.frontend.port, least: 1, most: 1 }
]

// An instance has at most 4 processors and 8 GiB.
var sizes = {
  proxy: { cpu: '0.25', memory: '0.5Gi' }
  collection: { cpu: '0.5', memory: '1Gi' }
  inference: { cpu: '1.25', memory: '2.5Gi' }
  insights: { cpu: '0.5', memory: '1Gi' }
  processing: { cpu: '0.5', memory: '1Gi' }
  retrieval: { cpu: '1', memory: '2Gi' }
  worker: { cpu: '4', memory: '8Gi' }
  frontend: { cpu: '0.5', memory: '1Gi' }
  prepare: { cpu: '0.5', memory: '1Gi' }
}

var databaseSecret = string({
  host: database.properties.fullyQualifiedDomainName
  port: 5432
  username: databaseUser
  password: databasePassword
  dbname: databaseName
  sslmode: 'verify-full'
  sslrootcert: '/run/secrets/database_ca'
})
var secretValues = union(secrets, { database: databaseSecret })

// Secrets of Container Apps have no underscores or dots; volumes give them the names of their files.
var fileSecrets = map(items(union(secretValues, proxyFiles)), entry => {
  name: replace(replace(entry.key, '_', '-'), '.', '-')
  value: entry.value
})
// An app has the secrets of its own containers alone.
var appSecretNames = [
  for app in concat(apps, [{ name: 'prepare', containers: ['prepare'] }]): map(
    flatten(map(app.containers, container => concat(services[container].secrets, map(items(services[container].files), file => file.value)))),
    secret => replace(replace(secret, '_', '-'), '.', '-')
  )
]

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: name
  location: location
  properties: {
    addressSpace: { addressPrefixes: ['10.60.0.0/16'] }
    subnets: [
      {
        name: 'apps'
        properties: {
          addressPrefix: '10.60.0.0/23'
          delegations: [{ name: 'apps', properties: { serviceName: 'Microsoft.App/environments' } }]
        }
      }
      {
        name: 'database'
        properties: {
          addressPrefix: '10.60.2.0/24'
          delegations: [
            { name: 'database', properties: { serviceName: 'Microsoft.DBforPostgreSQL/flexibleServers' } }
          ]
        }
      }
      { name: 'gateway', properties: { addressPrefix: '10.60.3.0/24' } }
    ]
  }
}

resource databaseZone 'Microsoft.Network/privateDnsZones@2024-06-01' = {
  name: '${name}.private.postgres.database.azure.com'
  location: 'global'
}

resource databaseZoneLink 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = {
  parent: databaseZone
  name: name
  location: 'global'
  properties: { registrationEnabled: false, virtualNetwork: { id: network.id } }
}

resource database 'Microsoft.DBforPostgreSQL/flexibleServers@2024-08-01' = {
  name: name
  location: location
  sku: { name: 'Standard_D2ds_v5', tier: 'GeneralPurpose' }
  properties: {
    version: '17'
    administratorLogin: databaseUser
    administratorLoginPassword: databasePassword
    authConfig: { activeDirectoryAuth: 'Enabled', passwordAuth: 'Enabled' }
    storage: { storageSizeGB: 64, autoGrow: 'Enabled' }
    backup: { backupRetentionDays: 14, geoRedundantBackup: 'Disabled' }
    highAvailability: { mode: highAvailability ? 'ZoneRedundant' : 'Disabled' }
    network: {
      delegatedSubnetResourceId: '${network.id}/subnets/database'
      privateDnsZoneArmResourceId: databaseZone.id
      publicNetworkAccess: 'Disabled'
    }
  }
  dependsOn: [databaseZoneLink]
}

resource databaseAdmin 'Microsoft.DBforPostgreSQL/flexibleServers/administrators@2024-08-01' = {
  parent: database
  name: databaseAdministrator.objectId
  properties: {
    principalName: databaseAdministrator.name
    principalType: databaseAdministrator.type
    tenantId: tenant().tenantId
  }
  dependsOn: [vectors]
}

resource reviews 'Microsoft.DBforPostgreSQL/flexibleServers/databases@2024-08-01' = {
  parent: database
  name: databaseName
  properties: { charset: 'UTF8', collation: 'en_US.utf8' }
}

resource vectors 'Microsoft.DBforPostgreSQL/flexibleServers/configurations@2024-08-01' = {
  parent: database
  name: 'azure.extensions'
  properties: { value: 'VECTOR', source: 'user-override' }
  dependsOn: [reviews]
}

resource logs 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: name
  location: location
  properties: { sku: { name: 'PerGB2018' }, retentionInDays: 30 }
}

resource environment 'Microsoft.App/managedEnvironments@2025-01-01' = {
  name: name
  location: location
  properties: {
    appLogsConfiguration: {
      destination: 'log-analytics'
      logAnalyticsConfiguration: {
        customerId: logs.properties.customerId
        sharedKey: logs.listKeys().primarySharedKey
      }
    }
    vnetConfiguration: { infrastructureSubnetId: '${network.id}/subnets/apps', internal: true }
    workloadProfiles: [{ name: 'Consumption', workloadProfileType: 'Consumption' }]
    zoneRedundant: false
  }
}

module containers 'containers.bicep' = [
  for app in apps: {
    name: 'containers-${app.name}'
    params: {
      names: app.containers
      services: services
      settings: document.settings
      parameters: union(parameters, { page_host: pageHosts })
      image: image
      proxyImage: proxyImage
      sizes: sizes
      proxyUrl: 'http://${name}-api'
    }
  }
]

module prepareContainers 'containers.bicep' = {
  name: 'containers-prepare'
  params: {
    names: ['prepare']
    services: services
    settings: document.settings
    parameters: union(parameters, { page_host: pageHosts })
    image: image
    proxyImage: proxyImage
    sizes: sizes
    proxyUrl: 'http://${name}-api'
  }
}

resource containerApps 'Microsoft.App/containerApps@2025-01-01' = [
  for (app, index) in apps: {
    name: '${name}-${app.name}'
    location: location
    properties: {
      environmentId: environment.id
      workloadProfileName: 'Consumption'
      configuration: {
        activeRevisionsMode: 'Single'
        // reached within the network only; the gateway ends TLS
        ingress: app.name == 'worker' ? null : { external: true, targetPort: app.port, transport: 'http', allowInsecure: true }
        secrets: filter(fileSecrets, secret => contains(appSecretNames[index], secret.name))
      }
      template: {
        terminationGracePeriodSeconds: app.name == 'worker' ? services.worker.stop_seconds : 30
        containers: containers[index].outputs.containers
        volumes: containers[index].outputs.volumes
        scale: {
          minReplicas: app.least
          maxReplicas: app.most
          rules: app.name == 'api' ? [{ name: 'requests', http: { metadata: { concurrentRequests: '40' } } }] : []
        }
      }
    }
    dependsOn: [vectors]
  }
]

// Migrates the database and publishes the shipped model; started before each new version.
resource prepare 'Microsoft.App/jobs@2025-01-01' = {
  name: '${name}-prepare'
  location: location
  properties: {
    environmentId: environment.id
    workloadProfileName: 'Consumption'
    configuration: {
      triggerType: 'Manual'
      replicaTimeout: 900
      replicaRetryLimit: 3
      manualTriggerConfig: { parallelism: 1, replicaCompletionCount: 1 }
      secrets: filter(fileSecrets, secret => contains(last(appSecretNames), secret.name))
    }
    template: {
      containers: prepareContainers.outputs.containers
      volumes: prepareContainers.outputs.volumes
    }
  }
  dependsOn: [vectors]
}

module gateway 'gateway.bicep' = {
  name: 'gateway'
  params: {
    name: name
    location: location
    networkId: network.id
    certificateSecretId: certificateSecretId
    identityId: gatewayIdentityId
    environmentDomain: environment.properties.defaultDomain
    environmentAddress: environment.properties.staticIp
    sites: [
      { name: 'api', host: apiHost, backend: containerApps[0].properties.configuration.ingress.fqdn, path: '/health', codes: ['200'] }
      { name: 'page', host: pageHost, backend: containerApps[2].properties.configuration.ingress.fqdn, path: '/', codes: ['200', '401'] }
    ]
  }
}

output address string = gateway.outputs.address
output prepareJob string = prepare.name
