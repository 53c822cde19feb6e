//! A client that knows the address of a server and nothing else: services, methods and messages come by reflection,
//! calls are made in JSON. What it can do, grpcurl and every other tool can.
//!
//! Must never know: the contracts.

use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, MethodDescriptor};
use prost_types::FileDescriptorProto;
use serde_json::Value;
use tokio_stream::StreamExt as _;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

/// Somebody who came with an address.
#[derive(Clone, Debug)]
pub struct Outsider {
    channel: Channel,
    pool: DescriptorPool,
    services: Vec<String>,
}

impl Outsider {
    /// Asks a server, as `host:port`, for everything it serves.
    ///
    /// # Panics
    /// When it does not answer, or names types that it does not describe.
    pub async fn arrive(address: &str) -> Self {
        let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
        let listed = reflect(&channel, MessageRequest::ListServices(String::new())).await;
        let MessageResponse::ListServicesResponse(listed) = listed else { panic!("{listed:?}") };
        let services: Vec<String> = listed.service.into_iter().map(|service| service.name).collect();
        let mut files = Vec::<FileDescriptorProto>::new();
        let mut wanted: Vec<MessageRequest> =
            services.iter().cloned().map(MessageRequest::FileContainingSymbol).collect();
        while let Some(request) = wanted.pop() {
            let answer = reflect(&channel, request).await;
            let MessageResponse::FileDescriptorResponse(found) = answer else { panic!("{answer:?}") };
            for bytes in found.file_descriptor_proto {
                let file = FileDescriptorProto::decode(bytes.as_slice()).unwrap();
                if files.iter().all(|known| known.name != file.name) {
                    wanted.extend(file.dependency.iter().cloned().map(MessageRequest::FileByFilename));
                    files.push(file);
                }
            }
        }
        let mut pool = DescriptorPool::new();
        pool.add_file_descriptor_protos(files).unwrap();
        Self { channel, pool, services }
    }

    /// Full names of what is served.
    #[must_use]
    pub fn services(&self) -> &[String] {
        &self.services
    }

    /// Every method of every service served.
    ///
    /// # Panics
    /// When a service is not described.
    #[must_use]
    pub fn methods(&self) -> Vec<MethodDescriptor> {
        let service = |name: &String| self.pool.get_service_by_name(name).unwrap();
        self.services.iter().flat_map(|name| service(name).methods().collect::<Vec<_>>()).collect()
    }

    /// Calls `package.Service/Method` with a request in JSON; of a stream the first message is the answer.
    ///
    /// # Errors
    /// What the server answers instead.
    ///
    /// # Panics
    /// When there is no such method, or the request does not fit it.
    pub async fn call(&self, method: &str, request: Value) -> Result<Value, Status> {
        let found = self.methods().into_iter().find(|found| path(found) == format!("/{method}"));
        let method = found.unwrap_or_else(|| panic!("there is no {method}"));
        let message = DynamicMessage::deserialize(method.input(), request).unwrap();
        let mut client = Grpc::new(self.channel.clone());
        client.ready().await.unwrap();
        let path: PathAndQuery = path(&method).parse().unwrap();
        let codec = Dynamic(method.output());
        let answer = if method.is_server_streaming() {
            let mut stream = client.server_streaming(Request::new(message), path, codec).await?.into_inner();
            stream.message().await?.unwrap()
        } else {
            client.unary(Request::new(message), path, codec).await?.into_inner()
        };
        Ok(serde_json::to_value(answer).unwrap())
    }
}

/// Where a method is called: `/package.Service/Method`.
#[must_use]
pub fn path(method: &MethodDescriptor) -> String {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
}

async fn reflect(channel: &Channel, request: MessageRequest) -> MessageResponse {
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(request) };
    let mut client = ServerReflectionClient::new(channel.clone());
    let answers = client.server_reflection_info(tokio_stream::once(request)).await.unwrap();
    answers.into_inner().next().await.unwrap().unwrap().message_response.unwrap()
}

/// Reads answers of one type.
#[derive(Clone, Debug)]
struct Dynamic(MessageDescriptor);

impl Codec for Dynamic {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        self.clone()
    }

    fn decoder(&mut self) -> Self {
        self.clone()
    }
}

impl Encoder for Dynamic {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(&mut self, message: DynamicMessage, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        message.encode(buffer).map_err(|error| Status::internal(error.to_string()))
    }
}

impl Decoder for Dynamic {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        let message = DynamicMessage::decode(self.0.clone(), buffer);
        message.map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}
