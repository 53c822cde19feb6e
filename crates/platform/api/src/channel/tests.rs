use std::future::pending;

use tokio_stream::StreamExt as _;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

use super::*;
use crate::Problem;
use crate::attribution::v1::model_service_client::ModelServiceClient;
use crate::attribution::v1::model_service_server::{ModelService, ModelServiceServer};
use crate::attribution::v1::{ListModelsRequest, ListModelsResponse, Model};

/// Tells how it was reached.
struct Models;

#[tonic::async_trait]
impl ModelService for Models {
    async fn list_models(&self, request: Request<ListModelsRequest>) -> Result<Response<ListModelsResponse>, Status> {
        let id = if request.extensions().get::<MemoryConnectInfo>().is_some() { "memory" } else { "tcp" };
        Ok(Response::new(ListModelsResponse { models: vec![Model { id: id.into(), ..Model::default() }] }))
    }
}

async fn ask(channel: Channel) -> Result<String, Status> {
    let mut client = sized!(ModelServiceClient::new(channel));
    let mut models = client.list_models(ListModelsRequest {}).await?.into_inner().models;
    Ok(models.remove(0).id)
}

#[tokio::test]
async fn one_in_memory_channel_serves_many_clients() {
    let (channel, incoming) = in_memory();
    tokio::spawn(Server::builder().add_service(sized!(ModelServiceServer::new(Models))).serve_with_incoming(incoming));
    let calls = (0..32).map(|_| tokio::spawn(ask(channel.clone()))).collect::<Vec<_>>();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap(), "memory");
    }
}

#[tokio::test]
async fn an_in_memory_channel_reconnects_after_its_connection_broke() {
    let (channel, mut incoming) = in_memory();
    for _ in 0..3 {
        let call = tokio::spawn(ask(channel.clone()));
        drop(incoming.next().await.unwrap().unwrap());
        assert!(call.await.unwrap().is_err());
    }
    tokio::spawn(Server::builder().add_service(ModelServiceServer::new(Models)).serve_with_incoming(incoming));
    assert_eq!(ask(channel).await.unwrap(), "memory");
}

#[tokio::test]
async fn without_a_server_an_in_memory_call_is_unavailable() {
    let (channel, incoming) = in_memory();
    drop(incoming);
    let status = ask(channel).await.unwrap_err();
    assert!(matches!(Problem::from_status(&status), Problem::Unavailable { .. }), "{status:?}");
}

#[tokio::test]
async fn tcp_reaches_a_server() {
    let listener = tonic::transport::server::TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = Server::builder().add_service(ModelServiceServer::new(Models));
    tokio::spawn(server.serve_with_incoming_shutdown(listener, pending()));
    assert_eq!(ask(tcp(&address).unwrap()).await.unwrap(), "tcp");
    assert_eq!(ask(tcp_connected(&format!("http://{address}")).await.unwrap()).await.unwrap(), "tcp");
}

#[tokio::test]
async fn a_wrong_address_is_explained() {
    assert!(matches!(tcp("127.0.0.1"), Err(ChannelError::Address { .. })));
    assert!(matches!(tcp("not an address"), Err(ChannelError::Address { .. })));
    assert!(matches!(tcp("https://example.test:443"), Err(ChannelError::Tls { .. })));
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    assert!(matches!(tcp_connected(&closed).await, Err(ChannelError::Connect { .. })));
}
